"""What a person sees of all instances at a glance, and acts on in place: `ccmux dashboard`."""
