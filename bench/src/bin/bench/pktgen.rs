//! `bench pktgen`.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use bench::path::rates::{Rate, Source, bars, rates, table};
use bench::path::{self, Cards, Passage, PathError, Veth, Way};
use bench::pktgen::{self, Stream};
use bench::report::stats::Spread;
use bench::report::table::head;
use bench::report::{self, Machine, Report, bars, whole};
use clap::Args;
use serde::Serialize;

use crate::options::need_root;
use crate::path::rounds;

#[derive(Args)]
pub(crate) struct Options {
    /// Send out of this network card, to a director elsewhere; without it, the VM's cards
    #[arg(long, value_name = "IF", requires = "dst_mac")]
    interface: Option<String>,
    /// The MAC of the director, or of the router before it
    #[arg(long, value_name = "MAC", requires = "interface")]
    dst_mac: Option<String>,
    /// Where packets come from
    #[arg(long, default_value_t = path::SOURCE, value_name = "ADDRESS", requires = "interface")]
    source: Ipv4Addr,
    /// Where packets go to
    #[arg(long, default_value_t = path::VIP, value_name = "ADDRESS", requires = "interface")]
    vip: Ipv4Addr,
    /// The service's port
    #[arg(long, default_value_t = path::PORT, requires = "interface")]
    port: u16,
    /// Source ports, in turn: so many flows
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64_000))]
    flows: u16,
    /// Packets of a thread in one round [default: 50000, with --quick 5000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    packets: Option<u64>,
    /// Bytes of a frame, without the check sequence
    #[arg(long, default_value_t = 60, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(60..=9_014))]
    size: u16,
    /// Times that a packet is sent before the next is made: more is faster, and flows change later
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    clone: u32,
    /// Packets that are given to the card at once
    #[arg(long, default_value_t = 32, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    burst: u32,
    /// Threads, on the CPUs from 0 on
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    threads: u32,
    /// Rounds: each way is measured once in each
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// A sanity run: few packets
    #[arg(long)]
    quick: bool,
    /// The VM's cards: that which sends, the director's, the sink's
    #[arg(long, num_args = 3, value_names = ["IF", "IF", "IF"], conflicts_with = "interface")]
    cards: Option<Vec<String>>,
    /// The program that is the director's daemon
    #[arg(long, value_name = "PATH", requires = "cards")]
    lb_ctl: Option<PathBuf>,
    /// Where to write the results, as JSON and SVG
    #[arg(long, default_value = "target/bench", value_name = "DIR")]
    out: PathBuf,
}

/// How the figures were got: keys of the file beside the rows.
#[derive(Serialize)]
struct Method {
    rounds: u32,
    stream: Stream,
}

/// A row of a card that only sends.
#[derive(Serialize)]
struct SentRow {
    row: &'static str,
    median_pps: u64,
    min_pps: u64,
    max_pps: u64,
    errors: u64,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    need_root()?;
    match (&options.interface, &options.dst_mac, &options.cards) {
        (Some(interface), Some(dst_mac), _) => send(options, interface, dst_mac),
        (_, _, Some(cards)) => compare(options, cards),
        _ => bail!(
            "say where to send, with --interface and --dst-mac; without them, `cargo xtask bench \
             pktgen` runs in a VM with network cards of its own"
        ),
    }
}

impl Options {
    fn stream(&self, interface: &str, dst_mac: &str) -> Stream {
        Stream {
            interface: interface.to_owned(),
            dst_mac: dst_mac.to_owned(),
            vip: self.vip,
            port: self.port,
            source: self.source,
            flows: self.flows,
            packets: self.packets.unwrap_or(if self.quick { 5_000 } else { 50_000 }),
            size: self.size,
            clone: self.clone,
            burst: self.burst,
            threads: self.threads,
        }
    }
}

/// Sends out of a real card. What becomes of the packets is for the director to tell.
#[expect(clippy::cast_precision_loss, reason = "packets of a run are few")]
fn send(options: &Options, interface: &str, dst_mac: &str) -> anyhow::Result<()> {
    pktgen::load()?;
    let stream = options.stream(interface, dst_mac);
    let machine = Machine::look(stream.to_string())?;
    let rounds = options.rounds;
    print!("{}", head(&machine, &format!("median of {rounds} rounds")));
    let (mut pps, mut errors) = (Vec::new(), 0);
    for round in 1..=rounds {
        eprintln!("[round {round}/{rounds}]");
        let ran = pktgen::run(&stream)?;
        pps.push(ran.packets as f64 / ran.took.as_secs_f64());
        errors += ran.errors;
    }
    let sent = Spread::of(pps).context("no rounds")?;
    let (median_pps, min_pps, max_pps) = (whole(sent.median), whole(sent.min), whole(sent.max));
    println!("\nsent {median_pps} packets/s ({min_pps}–{max_pps}), refused by the card: {errors}");
    println!("what arrived: `lb-ctl list --rate` on the director, and the reals' own counters");
    let row = SentRow { row: "sent", median_pps, min_pps, max_pps, errors };
    let bar = bars::Bar {
        name: "sent".to_owned(),
        figure: sent.median,
        spread: (sent.min, sent.max),
        label: median_pps.to_string(),
    };
    write(options, vec![row], machine, stream, &bars::draw("packets/s sent", &[bar])?)
}

/// Sends the same stream through a director in each way.
fn compare(options: &Options, cards: &[String]) -> anyhow::Result<()> {
    let [sends, directs, sinks] = cards else { bail!("--cards takes three names") };
    let lb_ctl = options.lb_ctl.as_deref().context("--cards needs --lb-ctl")?;
    let bed = Cards::take([sends, directs, sinks], lb_ctl)?;
    let stream = options.stream(bed.sender(), bed.director_mac());
    let machine = Machine::look(stream.to_string())?;
    let count = options.rounds;
    print!("{}", head(&machine, &format!("median of {count} rounds")));
    let by_card = rounds(&Way::FORWARDING, count, |way| bed.run(way, &stream))?;
    let mut rows: Vec<Rate> = rates(Source::Pktgen, &by_card);
    drop(bed);
    rows.extend(rates(Source::Live, &live(count, &stream, lb_ctl)?));
    print!("\n{}\n", table(&rows));
    let svg = bars::draw("packets/s that arrived (line: slowest to fastest round)", &bars(&rows))?;
    write(options, rows, machine, stream, &svg)
}

/// The fair generator's rows: live frames through a veth.
fn live(
    count: u32,
    stream: &Stream,
    lb_ctl: &std::path::Path,
) -> Result<Vec<(Way, Vec<Passage>)>, PathError> {
    let mut veth = Veth::build(lb_ctl)?;
    let packets = u32::try_from(stream.packets).unwrap_or(u32::MAX);
    rounds(&Way::ALL, count, |way| veth.run(way, packets))
}

fn write<R: Serialize>(
    options: &Options,
    rows: Vec<R>,
    machine: Machine,
    stream: Stream,
    svg: &str,
) -> anyhow::Result<()> {
    let method = Method { rounds: options.rounds, stream };
    let report = Report { rows, machine, method };
    for path in report::write(&options.out, "pktgen", &report, svg)? {
        println!("{}", path.display());
    }
    Ok(())
}
