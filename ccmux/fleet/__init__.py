"""LIVES: many instances. They meet only through files and control sockets."""
