//! The example `examples/active-passive`: nginx runs where the address is, and nothing is balanced.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bench::lab::{Director, Host, Lab, VIP4};
use bench::load;
use serde_json::Value;

use crate::control::ctl;
use crate::pair::{builder, lab, second, wait, wait_for_address};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/active-passive");
const SITE: &str = "web";
const VIP: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(VIP4), 80);

/// A configuration of nginx that says which machine it runs on, with its files in a folder.
fn nginx(lab: &Lab, host: &Host) -> PathBuf {
    let folder = lab.files().join(format!("nginx-{}", host.name));
    fs::create_dir(&folder).unwrap();
    let (name, path) = (&host.name, folder.display());
    let text = format!(
        "pid {path}/nginx.pid;\nerror_log {path}/error.log;\nworker_processes 1;\n\
         events {{ worker_connections 64; }}\n\
         http {{\n    access_log off;\n    client_body_temp_path {path}/body;\n    \
         proxy_temp_path {path}/proxy;\n    fastcgi_temp_path {path}/fastcgi;\n    \
         uwsgi_temp_path {path}/uwsgi;\n    scgi_temp_path {path}/scgi;\n    \
         server {{ listen {VIP}; location / {{ return 200 \"{name}\\n\"; }} }}\n}}\n"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, text).unwrap();
    file
}

/// The example's definition, with this machine's places in it, and adverts that are soon over.
fn definition(configuration: &Path, priority: u8) -> String {
    let text = fs::read_to_string(format!("{EXAMPLE}/lb-ctl.json")).unwrap();
    let mut definition: Value = serde_json::from_str(&text).unwrap();
    assert!(definition.get("services").is_none() && definition.get("interfaces").is_none());
    let instance = &mut definition["vrrp"]["instances"][0];
    instance["priority"] = priority.into();
    instance["version"] = 3.into();
    instance["advert_interval"] = "100ms".into();
    let command = format!("{EXAMPLE}/nginx-role {}", configuration.display());
    assert_eq!(instance["notify"]["any"], "/etc/lb-ctl/nginx-role /etc/nginx/nginx.conf");
    instance["notify"]["any"] = command.into();
    definition.to_string()
}

fn start(lab: &Lab, host: &Host, priority: u8) -> (Director, PathBuf) {
    let configuration = nginx(lab, host);
    let director = builder(lab, host).start_with(&definition(&configuration, priority)).unwrap();
    (director, configuration.with_file_name("nginx.pid"))
}

/// Waits until the client gets the page of this machine, and of no other.
#[track_caller]
fn wait_for_page(lab: &Lab, host: &Host) {
    wait_for_address(lab, host, &VIP4.to_string());
    wait(&format!("the page of {}", host.name), || {
        let page = lab.client.namespace.enter(|| load::get(VIP, "/")).unwrap();
        page.is_ok_and(|page| page == host.name)
    });
}

fn runs(pid: &Path) -> bool {
    pid.exists()
}

#[test]
fn nginx_runs_where_the_address_is() {
    let lab = lab(0);
    let (mut first, first_pid) = start(&lab, &lab.director, 150);
    first.wait_for_role(SITE, "MASTER").unwrap();
    let (other, other_pid) = start(&lab, second(&lab), 100);
    other.wait_for_role(SITE, "BACKUP").unwrap();
    wait_for_page(&lab, &lab.director);
    assert!(runs(&first_pid) && !runs(&other_pid));

    ctl(&first, "vrrp handover").ok();
    wait_for_page(&lab, second(&lab));
    wait("nginx to leave the first director", || !runs(&first_pid));
    ctl(&first, "vrrp resume").ok();
    wait_for_page(&lab, &lab.director);
    wait("nginx to leave the second director", || !runs(&other_pid));

    // The daemon that leaves stops it, too.
    first.stop().unwrap();
    wait_for_page(&lab, second(&lab));
    wait("nginx to leave the first director", || !runs(&first_pid));
}
