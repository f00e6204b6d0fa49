#!/bin/sh
# A throw-away machine: real systemd as PID 1 over an overlay of /, with nothing but loopback for a network.
#
#   machine.sh keep DIR CLAUDE    a machine that lives as long as standard input is open; for tests/lab/machine.py
#   machine.sh try DIR CLAUDE     whether all that it needs can be had here, in a mount namespace of the caller's
#
# DIR/share is /host in the machine; DIR/pid the pid of its PID 1, as seen from here; DIR/boots how often it has booted.
# Everything hangs on this process: mounts in its mount namespace, processes by the signal of their parent's death. What
# outlives a kill -9 of it is an empty cgroup and DIR.
set -eu

cgroup_of_ours() { # below our own, in the hierarchy of cgroup2
    mount=$(findmnt -rnt cgroup2 -o TARGET | head -n 1)
    own=$(sed -n 's/^0:://p' /proc/self/cgroup)
    echo "${mount:?there is no cgroup2}${own%/}/ccmux-lab-$$"
}

remove_cgroup() {
    tries=0
    while [ -d "$cgroup" ] && [ "$tries" -lt 100 ]; do
        find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.05
        tries=$((tries + 1))
    done
}

# The disk of the machine: all changes are in memory.
make_disk() {
    mkdir "$lab/disk"
    mount -t tmpfs -o mode=755 ccmux-lab "$lab/disk"
    mkdir "$lab/disk/upper" "$lab/disk/work" "$root"
    mount -t overlay -o "lowerdir=/,upperdir=$lab/disk/upper,workdir=$lab/disk/work" ccmux-lab "$root"
    # Nothing that is enabled on this machine starts in that one.
    rm -rf "$root"/etc/systemd/system/* "$root"/etc/systemd/user/* "$root"/etc/rc?.d
    for unit in getty.target systemd-modules-load.service systemd-sysctl.service systemd-remount-fs.service \
        systemd-udevd.service systemd-udev-trigger.service dev-hugepages.mount sys-kernel-debug.mount \
        sys-kernel-tracing.mount sys-fs-fuse-connections.mount kmod-static-nodes.service; do
        ln -s /dev/null "$root/etc/systemd/system/$unit"
    done
    rm -f "$root/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service" # who is not root may do nothing
    : >"$root/etc/fstab"
    rm -f "$root/etc/hostname" "$root/etc/machine-id"
    echo lab >"$root/etc/hostname"
    tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
    rm -rf "$root/var/log/journal" "$root/var/lib/systemd/linger"
    mkdir -p "$root/var/log/journal" "$root/host" "$root/old"
    touch "$root/etc/.updated" "$root/var/.updated"
    touch "$root/usr/local/bin/claude"
}

# Boots again whenever the machine has asked for it, or has lost its PID 1.
boots() {
    count=0
    while :; do
        find "$cgroup" -mindepth 1 -depth -type d -exec rmdir {} +
        count=$((count + 1))
        echo "$count" >"$lab/boots"
        # In a cgroup of its own first: PID 1 takes all processes of its root cgroup for its own.
        status=0
        # shellcheck disable=SC2016
        setpriv --pdeathsig KILL sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' - "$cgroup" \
            unshare -m -p -f -C -u -i -n --kill-child --propagation private sh "$0" init "$lab" "$claude" || status=$?
        echo "boot $count ended: $status"
        # It asked for a reboot (SIGHUP), or it was told beforehand that PID 1 will be killed.
        [ "$status" = 129 ] || rm "$lab/power-fails" || break
    done
    : >"$lab/ended"
}

# Becomes PID 1.
init() {
    read -r pid _ </proc/self/stat
    mount --rbind "$root" "$root"
    mount -t proc proc "$root/proc"
    # Settings of the kernel are all machines'.
    for path in sys sysrq-trigger; do
        [ -e "$root/proc/$path" ] || continue
        mount --bind "$root/proc/$path" "$root/proc/$path"
        mount -o remount,bind,ro "$root/proc/$path"
    done
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    mount -t tmpfs -o mode=755,size=64m tmpfs "$root/dev"
    for node in null zero full random urandom tty; do
        touch "$root/dev/$node"
        mount --bind "/dev/$node" "$root/dev/$node"
    done
    mkdir "$root/dev/pts" "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    for number in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${number%:*}" "$root/dev/${number#*:}"; done
    touch "$root/dev/console" "$lab/console"
    mount --bind "$lab/console" "$root/dev/console"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mount -t tmpfs -o mode=700 tmpfs "$root/root"
    mount --bind "$lab/share" "$root/host"
    mount --bind "$claude" "$root/usr/local/bin/claude"
    mount -o remount,bind,ro "$root/usr/local/bin/claude"
    echo "$pid" >"$lab/pid"
    cd "$root"
    pivot_root . old
    umount -l /old
    mount --make-rshared / # as systemd expects it; without it units get no credentials
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=lab TERM=dumb \
        /lib/systemd/systemd systemd.unit=multi-user.target </dev/null >/dev/console 2>&1
}

lab=$2
claude=$3
root=$lab/disk/root
case $1 in
keep) exec unshare -m --propagation private sh "$0" hold "$lab" "$claude" ;;
hold)
    cgroup=$(cgroup_of_ours)
    mkdir "$cgroup"
    trap 'umount -l "$root" "$lab/disk"; remove_cgroup; rm -rf --one-file-system "$lab"' EXIT
    make_disk
    setpriv --pdeathsig KILL sh "$0" boots "$lab" "$claude" "$cgroup" </dev/null &
    cat >/dev/null # until whoever wants the machine has ended, in whatever way
    kill -KILL $!
    wait || :
    ;;
try)
    cgroup=$(cgroup_of_ours)
    mkdir "$cgroup"
    rmdir "$cgroup"
    mount -t tmpfs tmpfs "$lab"
    mkdir "$lab/upper" "$lab/work" "$lab/root"
    mount -t overlay -o "lowerdir=/,upperdir=$lab/upper,workdir=$lab/work" ccmux-lab "$lab/root"
    unshare -m -p -f -C -u -i -n --kill-child true
    ;;
boots)
    cgroup=$4
    boots
    ;;
init) init ;;
esac
