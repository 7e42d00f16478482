//! The examples that `--help` shows; the tests parse every one of them.

macro_rules! examples {
    ($($name:ident = $($line:literal),+;)+) => {
        $(pub(super) const $name: &str = concat!("Example:", $("\n  ", $line),+);)+

        #[cfg(test)]
        pub(super) const ALL: &[&str] = &[$($($line),+),+];
    };
}

examples! {
    OVERVIEW =
        "lb-ctl daemon --interface eth0",
        "lb-ctl add-service -t 192.0.2.10:80",
        "lb-ctl add-real -t 192.0.2.10:80 -r 192.0.2.21 -w 2",
        "lb-ctl list";
    DAEMON = "lb-ctl daemon --interface eth0 --config /etc/lb-ctl/lb-ctl.json";
    ADD_SERVICE =
        "lb-ctl add-service -t 192.0.2.10:80 --name web",
        "lb-ctl add-service -u [2001:db8::10]:53 -s rr",
        "lb-ctl add-service -t 192.0.2.10:8000-8100 -s wlc -p 300 -M 255.255.255.0",
        "lb-ctl add-service -t 192.0.2.10:443 --check tcp --slow-start 30s",
        "lb-ctl add-service -t 192.0.2.10:0 --hash source --deny 198.51.100.0/24",
        "lb-ctl add-service -t 192.0.2.10:22 --tracking full --idle-timeout 1h";
    EDIT_SERVICE =
        "lb-ctl edit-service -t 192.0.2.10:80 --name shop",
        "lb-ctl edit-service -t 192.0.2.10:80 --tracking changes --idle-timeout 15m",
        "lb-ctl edit-service -t 192.0.2.10:80 --check '{\"type\":\"http\",\"path\":\"/healthz\"}'",
        "lb-ctl edit-service -t 192.0.2.10:80 --check none --notify-down /etc/lb-ctl/down.sh",
        "lb-ctl edit-service -t 192.0.2.10:80 -p 0 --allow none --sorry-server 192.0.2.99";
    DELETE_SERVICE = "lb-ctl delete-service -t 192.0.2.10:80";
    ADD_REAL =
        "lb-ctl add-real -t 192.0.2.10:80 -r 192.0.2.21 -w 2",
        "lb-ctl add-real -u [2001:db8::10]:53 -r 2001:db8::21";
    EDIT_REAL = "lb-ctl edit-real -t 192.0.2.10:80 -r 192.0.2.21 -w 3";
    DELETE_REAL = "lb-ctl delete-real -t 192.0.2.10:80 -r 192.0.2.21";
    DRAIN = "lb-ctl drain -t 192.0.2.10:80 -r 192.0.2.21 --wait --timeout 300";
    UNDRAIN = "lb-ctl undrain -t 192.0.2.10:80 -r 192.0.2.21";
    DISABLE_REAL = "lb-ctl disable-real -t 192.0.2.10:80 -r 192.0.2.21";
    ENABLE_REAL = "lb-ctl enable-real -t 192.0.2.10:80 -r 192.0.2.21";
    CHECK_NOW =
        "lb-ctl check-now -t 192.0.2.10:80 -r 192.0.2.21",
        "lb-ctl check-now -u [2001:db8::10]:53 -o json";
    LIST =
        "lb-ctl list",
        "lb-ctl list --stats -t 192.0.2.10:80",
        "lb-ctl list --reasons",
        "lb-ctl list --connections -o json";
    CHECK =
        "lb-ctl check /etc/lb-ctl/lb-ctl.json",
        "lb-ctl check --offline other-director.json";
    DIFF = "lb-ctl diff new.json";
    APPLY = "lb-ctl apply new.json", "lb-ctl apply - --dry-run";
    SAVE = "lb-ctl save backup.json";
    RELOAD = "lb-ctl reload";
    CLEAR = "lb-ctl clear";
    ZERO = "lb-ctl zero";
    STATUS = "lb-ctl status", "lb-ctl status -o json --socket /run/lb-ctl/lb-ctl.sock";
    TRACE =
        "lb-ctl trace -t 192.0.2.10:80 --source 198.51.100.0/24 --count 20",
        "lb-ctl trace --every 1000 --write sample.pcap",
        "lb-ctl trace -u [2001:db8::10]:53 -o json";
    EVENTS =
        "lb-ctl events --count 20",
        "lb-ctl events --follow -t 192.0.2.10:80",
        "lb-ctl events --instance VI_1",
        "lb-ctl events --follow -o json";
    VRRP = "lb-ctl vrrp list";
    VRRP_LIST = "lb-ctl vrrp list", "lb-ctl vrrp list VI_1 -o json";
    VRRP_HANDOVER =
        "lb-ctl vrrp handover",
        "lb-ctl vrrp handover VI_1 --timeout 30";
    VRRP_RESUME = "lb-ctl vrrp resume VI_1";
    SCHEMA = "lb-ctl schema";
    REAL_SERVER = "lb-ctl real-server setup --vip 192.0.2.10";
    REAL_SERVER_SETUP = "lb-ctl real-server setup --vip 192.0.2.10 --interface eth0";
    REAL_SERVER_UNDO = "lb-ctl real-server undo --vip 192.0.2.10";
    REAL_SERVER_CHECK = "lb-ctl real-server check --vip 2001:db8::10";
}
