//! Properties of a service as they are typed, by the letters of ipvsadm where it has them.

use clap::Args;

/// What a service is like.
#[derive(Debug, Args)]
pub struct PropertyArgs {
    /// How reals are picked: mh (weighted Maglev), rr, wrr, lc, wlc, sh, sed, nq [default: mh]
    #[arg(short, long, value_name = "SCHEDULER")]
    pub scheduler: Option<String>,
    /// A name for people and metrics
    #[arg(long)]
    pub name: Option<String>,
    /// What mh hashes: 5-tuple, or source to give a client's connections to one real [default:
    /// 5-tuple]
    #[arg(long, value_name = "HASH")]
    pub hash: Option<String>,
    /// Keep a client with its real for this long after its last connection, 300 seconds where no
    /// value is given; 0 takes that off a service
    #[arg(short, long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "300")]
    pub persistent: Option<String>,
    /// Keep the clients of a network together: 255.255.255.0 or 24, for IPv6 64 [default: each
    /// client by itself]
    #[arg(short = 'M', long, value_name = "NETMASK")]
    pub netmask: Option<String>,
    /// Flows that are remembered: changes (those that a change of the reals would move), full
    /// (all), none [default: changes where mh or sh can do with it, else full]
    #[arg(long, value_name = "MODE")]
    pub tracking: Option<String>,
    /// How long after its last packet a flow is forgotten, like 900s, 15m or 1h [default: 900s for
    /// TCP, 60s for UDP]
    #[arg(long, value_name = "TIME")]
    pub idle_timeout: Option<String>,
    /// The same after a SYN without more [default: 60s]
    #[arg(long, value_name = "TIME")]
    pub syn_timeout: Option<String>,
    /// The same after a FIN [default: 120s]
    #[arg(long, value_name = "TIME")]
    pub fin_timeout: Option<String>,
    /// The same after a RST [default: 10s]
    #[arg(long, value_name = "TIME")]
    pub closed_timeout: Option<String>,
    /// Packets of a connection whose real is dead or deleted: true schedules them anew, false drops
    /// them until the connection is forgotten [default: true]
    #[arg(long, value_name = "BOOL")]
    pub expire_nodest: Option<String>,
    /// Packets while all reals are down: drop, or pass to the director's own stack [default: drop]
    #[arg(long, value_name = "ACTION")]
    pub all_down: Option<String>,
    /// Take clients of this prefix, and no others but those of further ones (may be repeated, or a
    /// list with commas; replaces what there was, none empties it)
    #[arg(long, value_name = "PREFIX", value_delimiter = ',')]
    pub allow: Option<Vec<String>>,
    /// Do not take clients of this prefix (as --allow; the longest prefix of both decides)
    #[arg(long, value_name = "PREFIX", value_delimiter = ',')]
    pub deny: Option<Vec<String>>,
    /// A server that takes the connections while none of the reals does; none takes it off
    #[arg(long, value_name = "RIP")]
    pub sorry_server: Option<String>,
    /// Check the reals: a type (tcp, http, https, udp, dns, smtp, ping, grpc), or a whole check as in
    /// the definition file, like '{"type": "http", "path": "/healthz"}'; none takes it off
    #[arg(long, value_name = "TYPE|JSON")]
    pub check: Option<String>,
    /// Leave a real that fails its check the connections it has: true, or false to take it out
    /// [default: false]
    #[arg(long, value_name = "BOOL")]
    pub inhibit_on_failure: Option<String>,
    /// The weight that the reals which are up must have together for the service to be up [default:
    /// 1]
    #[arg(long, value_name = "WEIGHT", allow_hyphen_values = true)]
    pub quorum: Option<String>,
    /// Come up at the quorum and this much more, go down below the quorum less this much [default:
    /// 0]
    #[arg(long, value_name = "WEIGHT", allow_hyphen_values = true)]
    pub hysteresis: Option<String>,
    /// Give a real that comes up its share bit by bit within this time; 0s at once [default: 0s]
    #[arg(long, value_name = "TIME")]
    pub slow_start: Option<String>,
    /// Run this when a real comes up: the path of a program, and arguments; "" takes it off
    #[arg(long, value_name = "COMMAND")]
    pub notify_up: Option<String>,
    /// Run this when a real goes down
    #[arg(long, value_name = "COMMAND")]
    pub notify_down: Option<String>,
    /// Run this when the service comes up
    #[arg(long, value_name = "COMMAND")]
    pub quorum_up: Option<String>,
    /// Run this when the service goes down
    #[arg(long, value_name = "COMMAND")]
    pub quorum_down: Option<String>,
}

impl PropertyArgs {
    /// Their names, of which `edit-service` needs one.
    pub(super) const IDS: [&str; 24] = [
        "scheduler",
        "name",
        "hash",
        "persistent",
        "netmask",
        "tracking",
        "idle_timeout",
        "syn_timeout",
        "fin_timeout",
        "closed_timeout",
        "expire_nodest",
        "all_down",
        "allow",
        "deny",
        "sorry_server",
        "check",
        "inhibit_on_failure",
        "quorum",
        "hysteresis",
        "slow_start",
        "notify_up",
        "notify_down",
        "quorum_up",
        "quorum_down",
    ];
}
