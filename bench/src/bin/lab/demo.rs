//! The demo: what lb-ctl does, shown on the bed in half a minute. What it shows it also checks.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bench::lab::{
    BIG_FILE_SIZE, Counters, Director, DirectorBuilder, Echo, Host, Lab, VIP4, VIP6, VIPS,
    WebServer, setup_reals, wait_until,
};
use bench::load::{self, HttpLoad, Report};

use crate::interrupt;
use crate::screen::{bars, bytes, good, heading, printed, say, typed};

mod health;

const HTTP: u16 = 80;
const ECHO: u16 = 7;
/// Requests of each kind, enough for a distribution to show.
const REQUESTS: u64 = 300;
/// Requests that a running load must see through each state of the set.
const UNDER_LOAD: u64 = 400;
const LIMIT: Duration = Duration::from_secs(10);

/// Everything that stands during the demo, in the order in which it is taken down.
struct Demo {
    director: Director,
    _web: Vec<WebServer>,
    _echo: Vec<Echo>,
    lab: Lab,
}

/// Runs the demo with this lb-ctl.
pub(crate) fn run(lb_ctl: &Path) -> Result<()> {
    let start = Instant::now();
    let demo = Demo::build(lb_ctl)?;
    demo.add_services()?;
    demo.distribute()?;
    demo.show_the_way_back()?;
    demo.change_under_load()?;
    demo.check_through_the_vip()?;
    drop(demo);
    let took = start.elapsed().as_secs();
    println!();
    good(format!("done in {took} s; namespaces, programs, maps and files are gone again"));
    Ok(())
}

impl Demo {
    fn build(lb_ctl: &Path) -> Result<Self> {
        heading(1, "The bed: each machine a network namespace, all on one bridge");
        let lab = Lab::builder().build().context("build the bed")?;
        for host in lab.hosts() {
            say(format!("{:>8}   {:13} {}", host.name, host.ipv4, host.ipv6));
        }
        say(format!("{:>8}   {VIP4}    {VIP6}", "VIP"));
        let web = lab.start_web(HTTP).context("start the web servers")?;
        lab.big_file()?;
        interrupt::check()?;

        heading(2, "Each real server takes the VIPs without telling anybody; nginx runs on it");
        for vip in VIPS {
            typed("each real", format!("lb-ctl real-server setup --vip {vip}"));
        }
        setup_reals(&lab, lb_ctl, &VIPS).context("prepare the real servers")?;
        let echo = lab
            .reals
            .iter()
            .flat_map(|real| VIPS.map(|vip| Echo::udp(real, (vip, ECHO).into())))
            .collect::<Result<Vec<_>, _>>()?;
        interrupt::check()?;

        heading(3, "The director: the XDP program is loaded, services are added");
        typed("director", "lb-ctl daemon --interface eth0 &");
        let director = DirectorBuilder::new(&lab, lb_ctl).start().context("start the daemon")?;
        Ok(Self { director, _web: web, _echo: echo, lab })
    }

    fn add_services(&self) -> Result<()> {
        say("--tracking full: a table holds every connection, so that each change of the reals");
        say("shows at once. By default it holds those alone that a change would move, and new");
        say("connections go over to a real that was added no faster than the table takes them.");
        for (flag, port) in [("-t", HTTP), ("-u", ECHO)] {
            for vip in VIPS {
                let service = SocketAddr::from((vip, port)).to_string();
                self.ctl(&["add-service", flag, &service, "--tracking", "full"])?;
                for real in &self.lab.reals {
                    let address = real.address_like(vip).to_string();
                    self.ctl(&["add-real", flag, &service, "-r", &address])?;
                }
            }
        }
        self.wait_until_all_answer()?;
        let list = self.ctl(&["list"])?;
        printed(&list);
        Ok(())
    }

    /// The first packets meet neighbours that are still being asked for their addresses.
    fn wait_until_all_answer(&self) -> Result<()> {
        for vip in VIPS {
            let mut seen = BTreeMap::new();
            let what = format!("all reals to answer on {vip}");
            self.on_client(|| {
                wait_until(&what, LIMIT, || {
                    if let Ok(label) = load::get((vip, HTTP).into(), "/") {
                        *seen.entry(label).or_insert(0) += 1;
                    }
                    Ok(seen.len() == self.lab.reals.len() || interrupt::seen())
                })
            })??;
            interrupt::check()?;
        }
        Ok(())
    }

    fn distribute(&self) -> Result<()> {
        heading(4, "Requests from the client to the VIP");
        for vip in VIPS {
            let url = format!("http://{}/", SocketAddr::from((vip, HTTP)));
            let url = url.replace(":80/", "/");
            typed("client", format!("curl {url}"));
            printed(&self.lab.client.namespace.run(&["curl", "-sS", &url])?);
        }
        for vip in VIPS {
            say(format!("{REQUESTS} HTTP requests to {vip}, each on a new connection:"));
            self.show_shares(|| load::get((vip, HTTP).into(), "/"))?;
        }
        for vip in VIPS {
            say(format!("{REQUESTS} UDP datagrams to {vip}, each from a new port:"));
            self.show_shares(|| echoed((vip, ECHO).into()))?;
        }
        Ok(())
    }

    /// Asks so often as a distribution needs, and shows who has answered; somebody always has.
    fn show_answers(&self, ask: impl Fn() -> std::io::Result<String> + Sync) -> Result<Report> {
        let report = self.on_client(|| {
            let mut report = Report::default();
            for _ in (0..REQUESTS).take_while(|_| !interrupt::seen()) {
                let start = Instant::now();
                let answer = ask();
                report.add(start.elapsed(), answer);
            }
            report
        })?;
        interrupt::check()?;
        bars(&report.answers);
        check_none_failed(&report)?;
        Ok(report)
    }

    fn show_shares(&self, ask: impl Fn() -> std::io::Result<String> + Sync) -> Result<()> {
        let report = self.show_answers(ask)?;
        ensure!(
            report.answers.len() == self.lab.reals.len(),
            "only {} of {} reals have answered",
            report.answers.len(),
            self.lab.reals.len()
        );
        Ok(())
    }

    fn show_the_way_back(&self) -> Result<()> {
        heading(5, "Replies go straight from the real server to the client");
        let counted = |host: &Host| host.namespace.counters("eth0");
        let before = (counted(&self.lab.client)?, counted(&self.lab.director)?);
        let url = format!("http://{VIP4}/big");
        typed("client", format!("curl -o /dev/null {url}    (100 MB)"));
        self.lab.client.namespace.run(&["curl", "-sSf", "-o", "/dev/null", &url])?;
        let client = counted(&self.lab.client)? - before.0;
        let director = counted(&self.lab.director)? - before.1;
        say(traffic(client, director));
        ensure!(client.rx_bytes >= BIG_FILE_SIZE, "the client has not received the file");
        ensure!(
            director.rx_bytes < BIG_FILE_SIZE / 10 && director.tx_bytes < BIG_FILE_SIZE / 10,
            "the replies passed the director"
        );
        good("only requests and acknowledgements passed the director");
        interrupt::check()
    }

    fn change_under_load(&self) -> Result<()> {
        heading(6, "A real server leaves and joins under load");
        let service = SocketAddr::from((VIP4, HTTP)).to_string();
        let real = &self.lab.reals[self.lab.reals.len() - 1];
        let address = real.ipv4.to_string();
        let of_real = ["-t", &service, "-r", &address];
        let load =
            HttpLoad::start(&self.lab.client, (VIP4, HTTP).into(), 4, Duration::from_millis(1));
        typed("client", format!("while true; do curl http://{VIP4}/; done    (4 of them)"));
        show_state(&load)?;
        for verb in ["drain", "delete-real", "add-real"] {
            self.ctl(&[&[verb], &of_real[..]].concat())?;
            let shares = show_state(&load)?;
            let expected = verb == "add-real";
            let seen = shares.contains_key(&real.label());
            ensure!(seen == expected, "{} gets {shares:?} after {verb}", real.name);
        }
        let report = load.finish()?;
        check_none_failed(&report)?;
        let slowest = report.slowest.as_millis();
        good(format!("{} requests, none failed, the slowest took {slowest} ms", report.total()));
        Ok(())
    }

    /// Types a command on the director.
    fn ctl(&self, arguments: &[&str]) -> Result<String> {
        interrupt::check()?;
        let line = format!("lb-ctl {}", arguments.iter().map(quoted).collect::<Vec<_>>().join(" "));
        typed("director", &line);
        self.director
            .ctl_ok(arguments)
            .with_context(|| format!("`{line}` failed; the daemon's log:\n{}", self.director.log()))
    }

    fn on_client<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        Ok(self.lab.client.namespace.enter(work)?)
    }
}

/// A word as a shell takes it.
fn quoted(word: &&str) -> String {
    if word.contains(['"', ' ']) { format!("'{word}'") } else { (*word).to_owned() }
}

/// Shows how the load is shared from now on.
fn show_state(load: &HttpLoad) -> Result<BTreeMap<String, u64>> {
    let wait_for = |count: u64| {
        let goal = load.report().total() + count;
        wait_until("the load to go on", LIMIT, || {
            Ok(load.report().total() >= goal || interrupt::seen())
        })
    };
    // Requests that were under way when the set changed end first.
    wait_for(20)?;
    let before = load.report();
    wait_for(UNDER_LOAD)?;
    interrupt::check()?;
    let mut shares = load.report().answers;
    for (label, count) in before.answers {
        shares.entry(label).and_modify(|now| *now -= count);
    }
    shares.retain(|_, count| *count > 0);
    bars(&shares);
    Ok(shares)
}

/// Who answers a datagram from a new port.
fn echoed(server: SocketAddr) -> std::io::Result<String> {
    let any: IpAddr = if server.is_ipv4() { [0; 4].into() } else { [0u16; 8].into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.set_read_timeout(Some(Duration::from_secs(2)))?;
    socket.connect(server)?;
    socket.send(b"hello")?;
    let mut answer = [0; 64];
    let length = socket.recv(&mut answer)?;
    let text = String::from_utf8_lossy(&answer[..length]).into_owned();
    Ok(text.trim_end_matches(": hello").to_owned())
}

fn check_none_failed(report: &Report) -> Result<()> {
    let reason = report.first_failure.as_deref().unwrap_or_default();
    ensure!(report.failed == 0, "{} of {} failed: {reason}", report.failed, report.total());
    Ok(())
}

fn traffic(client: Counters, director: Counters) -> String {
    let heads = ["packets in", "packets out", "bytes in", "bytes out"];
    let row = |name: &str, cells: [String; 4]| {
        cells.iter().fold(format!("{name:>8}"), |row, cell| format!("{row}{cell:>13}"))
    };
    let mut text = row("", heads.map(str::to_owned));
    for (name, seen) in [("client", client), ("director", director)] {
        let packets = [seen.rx_packets, seen.tx_packets].map(|count| count.to_string());
        let [rx, tx] = packets;
        let cells = [rx, tx, bytes(seen.rx_bytes), bytes(seen.tx_bytes)];
        let _ = write!(text, "\n   {}", row(name, cells));
    }
    text
}
