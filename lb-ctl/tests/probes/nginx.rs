//! nginx as a real server: by HTTP, by HTTPS, and with gRPC behind it.

use std::fs;
use std::path::Path;

use bench::lab::Process;

use super::bed::{Bed, REAL4, REAL6, VIP, at};
use super::certificates::Authority;

pub(crate) const HTTP: u16 = 8080;
pub(crate) const HTTPS: u16 = 8443;
/// Its certificate has expired.
pub(crate) const EXPIRED: u16 = 8444;
/// What is asked here goes to a gRPC server on [`GRPC`].
pub(crate) const GRPC_TLS: u16 = 8445;
pub(crate) const GRPC: u16 = 50_051;

/// The name that its certificates are for, beside the VIP.
pub(crate) const NAME: &str = "www.example";

pub(crate) struct Nginx {
    pub(crate) authority: Authority,
    _process: Process,
}

impl Nginx {
    pub(crate) fn start(bed: &Bed) -> Self {
        let authority = Authority::new();
        authority.certify(NAME, VIP, 2100);
        authority.certify("expired.example", VIP, 2021);
        let folder = authority.folder();
        let www = folder.join("www");
        fs::create_dir(&www).unwrap();
        fs::write(www.join("page"), "All is well.\n").unwrap();
        fs::write(www.join("large"), vec![b'x'; (1 << 20) + 1]).unwrap();
        let config = folder.join("nginx.conf");
        fs::write(&config, conf(folder)).unwrap();
        let mut command = bed.namespace.command("nginx");
        command.arg("-p").arg(folder).arg("-c").arg(&config);
        command.arg("-e").arg(folder.join("error.log"));
        let listens = [HTTP, HTTPS, EXPIRED, GRPC_TLS].map(|port| at(REAL4, port));
        let process = bed.serve(&mut command, &listens);
        Self { authority, _process: process }
    }

    /// A file that it serves.
    pub(crate) fn page(&self) -> std::path::PathBuf {
        self.authority.folder().join("www/page")
    }
}

fn conf(folder: &Path) -> String {
    let folder = folder.display();
    let tls = |name: &str| {
        format!("ssl_certificate {folder}/{name}.pem; ssl_certificate_key {folder}/{name}.key;")
    };
    let (good, expired) = (tls(NAME), tls("expired.example"));
    format!(
        r#"user root;
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    default_type text/plain;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {REAL4}:{HTTP};
        listen [{REAL6}]:{HTTP};
        root {folder}/www;
        location = /status/204 {{ return 204; }}
        location = /status/301 {{ return 301 /page; }}
        location = /status/503 {{ return 503; }}
        location = /told {{
            return 200 "$request_method $http_host $http_user_agent $http_connection\n";
        }}
    }}
    server {{
        listen {REAL4}:{HTTPS} ssl;
        listen [{REAL6}]:{HTTPS} ssl;
        {good}
        location / {{ return 200 "$ssl_protocol $ssl_server_name.\n"; }}
    }}
    server {{
        listen {REAL4}:{EXPIRED} ssl;
        {expired}
        location / {{ return 200 "late\n"; }}
    }}
    server {{
        listen {REAL4}:{GRPC_TLS} ssl http2;
        {good}
        location / {{ grpc_pass grpc://{REAL4}:{GRPC}; }}
    }}
}}
"#
    )
}
