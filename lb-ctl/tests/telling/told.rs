//! A running daemon, and those its definition file says are to be told.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use bench::lab::Namespace;
use lb_ctl::config::notify::MailSecurity;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::control::{bed, ctl};
use super::mail::Server;

type Posts = Arc<Mutex<Vec<Value>>>;

/// Takes posts in a namespace for as long as the runtime is there. Returns its address.
fn listen(runtime: &Runtime, namespace: &Namespace) -> (Posts, String) {
    async fn take(State(posts): State<Posts>, Json(body): Json<Value>) {
        posts.lock().unwrap().push(body);
    }
    let listener = namespace.enter(|| TcpListener::bind("127.0.0.1:0")).unwrap().unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let posts = Posts::default();
    let app = Router::new().route("/hook", post(take)).with_state(Arc::clone(&posts));
    runtime.spawn(async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        axum::serve(listener, app).await
    });
    (posts, url)
}

/// The messages of all events that were posted.
fn messages(posts: &Posts) -> Vec<String> {
    let posts = posts.lock().unwrap();
    let events = posts.iter().flat_map(|post| post["events"].as_array().unwrap());
    events.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn who_is_told_follows_the_definition_file() {
    let runtime = Runtime::new().unwrap();
    let mut bed = bed(1);
    let here = Arc::clone(&bed.lab.director.namespace);
    let (first, first_url) = listen(&runtime, &here);
    let (second, second_url) = listen(&runtime, &here);
    let server = Server::start_in(&here, "plain");
    let mail = server.mail(MailSecurity::None, "");
    let definition = |webhook: &str, port: u16| {
        let service = json!({ "protocol": "tcp", "vip": "192.0.2.10", "port": port });
        let notify = json!({
            "webhooks": [{ "url": webhook }],
            "mail": {
                "server": mail.server, "port": mail.port, "security": "none", "from": mail.from,
                "to": mail.to, "batch": "1s",
            },
        });
        json!({ "services": [service], "notify": notify }).to_string()
    };
    bed.director.write_definition(&definition(&first_url, 80)).unwrap();
    ctl(&bed.director, "reload").ok();
    let has = |posts: &Posts, words: &str| messages(posts).iter().any(|m| m.contains(words));
    bed.wait("the first webhook to be told", || has(&first, "192.0.2.10:80"));

    bed.director.write_definition(&definition(&second_url, 443)).unwrap();
    ctl(&bed.director, "reload").ok();
    bed.wait("the second webhook to be told", || has(&second, "192.0.2.10:443"));
    assert!(!has(&first, "192.0.2.10:443"), "it is told no longer: {:?}", messages(&first));

    // Nobody is mailed of what an operator does, but of a real that is not there.
    assert_eq!(server.mails(), Vec::<String>::new());
    ctl(&bed.director, "add-real -t 192.0.2.10:443 -r 192.0.2.28").ok();
    bed.wait("a real to be unresolved", || has(&second, "nobody answers ARP"));
    // What waits is told when the daemon leaves, too.
    bed.director.stop().unwrap();
    let told = server.mails().concat().replace("=\r\n", "").replace("=\n", "");
    assert!(told.contains("real 192.0.2.28: unresolved: "), "{told}");
    assert!(told.contains("has nobody to go to: packets are dropped"), "{told}");
    assert!(!told.contains("definitions"), "{told}");
}
