//! nginx on a real server.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::{Host, Lab, LabError, Process, file, wait_until};

/// How long nginx may take to listen.
const READY_LIMIT: Duration = Duration::from_secs(10);

/// A web server on all addresses of a real, IPv4 and IPv6, those that it gets later too.
///
/// `GET /` and `GET /healthz` answer with one line, the real's label (`real 1`). `GET /big` is the
/// file of [`Lab::big_file`]. `PUT /upload/NAME` stores the body as [`WebServer::uploaded`].
/// Dropping it stops it.
#[derive(Debug)]
pub struct WebServer {
    process: Process,
    folder: PathBuf,
}

impl WebServer {
    /// Starts nginx on `real` and returns when it accepts connections.
    ///
    /// # Errors
    ///
    /// nginx is not installed, or does not listen in time: its log is in the message.
    pub fn start(lab: &Lab, real: &Host, port: u16) -> Result<Self, LabError> {
        let folder = lab.files().join(format!("{}-web-{port}", real.name));
        let upload = folder.join("www/upload");
        fs::create_dir_all(&upload).map_err(LabError::io(format!("make {}", upload.display())))?;
        let config = folder.join("nginx.conf");
        fs::write(&config, nginx_conf(&folder, lab.files(), &real.label(), port))
            .map_err(LabError::io(format!("write {}", config.display())))?;

        let mut command = real.namespace.command("nginx");
        command.arg("-p").arg(&folder).arg("-c").arg(&config);
        // What goes wrong before the log is open is in the log of the system's nginx otherwise.
        command.arg("-e").arg(folder.join("error.log"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut server = Self { process: Process::spawn(&mut command)?, folder };
        server.wait_ready(real, port)?;
        Ok(server)
    }

    /// Where the body of `PUT /upload/NAME` is stored.
    pub fn uploaded(&self, name: &str) -> PathBuf {
        self.folder.join("www/upload").join(name)
    }

    /// Lets the server run after this process.
    pub fn keep(self) {
        self.process.keep();
    }

    fn wait_ready(&mut self, real: &Host, port: u16) -> Result<(), LabError> {
        let loopback = [(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()];
        wait_until(&format!("nginx on {}", real.name), READY_LIMIT, || {
            if let Some(status) = self.process.ended()? {
                return Err(LabError::Ended {
                    command: self.process.command().to_owned(),
                    status,
                    log: fs::read_to_string(self.folder.join("error.log")).unwrap_or_default(),
                });
            }
            real.namespace
                .enter(|| loopback.iter().all(|at: &SocketAddr| TcpStream::connect(at).is_ok()))
        })
    }
}

impl Lab {
    /// The file that the web servers serve as `/big`: [`super::BIG_FILE_SIZE`] bytes, written at
    /// the first call.
    ///
    /// # Errors
    ///
    /// The disk is full.
    pub fn big_file(&self) -> Result<PathBuf, LabError> {
        let path = self.files().join("big");
        if !path.exists() {
            file::write_big(&path)?;
        }
        Ok(path)
    }
}

fn nginx_conf(folder: &Path, shared: &Path, label: &str, port: u16) -> String {
    let (folder, shared) = (folder.display(), shared.display());
    format!(
        r#"user root;
daemon off;
worker_processes 1;
worker_rlimit_nofile 8192;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    default_type text/plain;
    client_max_body_size 1g;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 0.0.0.0:{port} backlog=2048;
        listen [::]:{port} ipv6only=on backlog=2048;
        root {folder}/www;
        location = / {{ return 200 "{label}\n"; }}
        location = /healthz {{ return 200 "{label}\n"; }}
        location = /big {{ alias {shared}/big; }}
        location /upload/ {{ dav_methods PUT; }}
    }}
}}
"#
    )
}
