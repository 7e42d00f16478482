//! Webhooks at nginx, by TLS.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bench::lab::{LabError, wait_until};
use lb_ctl::config::notify::{Notify, Webhook};
use lb_ctl::notify::dropped::Medium;
use lb_ctl::notify::{Commands, Notifier};
use serde_json::Value;

use super::control::SOON;
use super::support::{Papers, down};

/// An nginx that logs what is posted to it.
struct Receiver {
    process: Child,
    folder: tempfile::TempDir,
    papers: Papers,
    port: u16,
}

impl Receiver {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let papers = Papers::make(folder.path());
        // Taken again by nginx at once.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = folder.path().join("nginx.conf");
        fs::write(&path, configuration(folder.path(), &papers, port)).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-c").arg(&path).arg("-e").arg(folder.path().join("error.log"));
        let process = command.stdin(Stdio::null()).spawn().unwrap();
        let receiver = Self { process, folder, papers, port };
        wait_until("nginx to listen", SOON, || {
            Ok::<_, LabError>(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok())
        })
        .unwrap();
        receiver
    }

    fn webhook(&self, path: &str) -> Webhook {
        Webhook {
            url: format!("https://localhost:{}{path}", self.port),
            timeout: Duration::from_secs(10),
            ca: Some(self.papers.authority.clone()),
        }
    }

    /// The bodies of the posts so far.
    fn posts(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("posts.log")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// One process; a body is known, and can be logged, where the request is handed on.
fn configuration(folder: &Path, papers: &Papers, port: u16) -> String {
    let (folder, certificate) = (folder.display(), papers.certificate.display());
    let key = papers.key.display();
    format!(
        "daemon off; master_process off; pid {folder}/pid;
        events {{ worker_connections 64; }}
        http {{
            log_format body escape=none '$request_body';
            client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
            scgi_temp_path {folder}/scgi; client_body_buffer_size 1m; access_log off;
            server {{ listen unix:{folder}/sink; location / {{ return 204; }} }}
            server {{
                listen 127.0.0.1:{port} ssl;
                ssl_certificate {certificate}; ssl_certificate_key {key};
                location / {{
                    access_log {folder}/posts.log body;
                    proxy_pass http://unix:{folder}/sink;
                }}
                location /refuses {{ return 403; }}
            }}
        }}"
    )
}

fn all(posts: &[Value]) -> Vec<u64> {
    let events = posts.iter().flat_map(|post| post["events"].as_array().unwrap());
    events.map(|event| event["seq"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_reach_every_webhook_in_order() {
    let (one, other) = (Receiver::start(), Receiver::start());
    let mut notifier = Notifier::start();
    let webhooks = vec![one.webhook("/hook"), other.webhook("/"), one.webhook("/refuses")];
    notifier.configure(&Notify { webhooks, ..Notify::default() });
    for seq in 1..=500 {
        notifier.send(&down(seq, 21), Commands::None);
    }
    let dropped = notifier.finish().await;
    let expected: Vec<u64> = (1..=500).collect();
    for receiver in [&one, &other] {
        let posts = receiver.posts();
        assert_eq!(all(&posts), expected);
        assert!(!posts[0]["host"].as_str().unwrap().is_empty());
        assert_eq!(posts[0]["events"][0]["real"], "192.0.2.21");
        assert_eq!(posts[0]["events"][0]["service"], "tcp 192.0.2.10:80");
    }
    assert!(dropped.contains(&(Medium::Webhook, 500)), "403 is for good: {dropped:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_posted_to_one_that_nobody_vouches_for() {
    let receiver = Receiver::start();
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = Papers::make(elsewhere.path());
    let webhook = Webhook { ca: Some(stranger.authority), ..receiver.webhook("/hook") };
    let mut notifier = Notifier::start();
    notifier.configure(&Notify { webhooks: vec![webhook], ..Notify::default() });
    notifier.send(&down(1, 21), Commands::None);
    notifier.finish().await;
    assert_eq!(receiver.posts(), Vec::<Value>::new());
}
