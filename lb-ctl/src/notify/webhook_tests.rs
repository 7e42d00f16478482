use std::sync::Mutex;
use std::time::UNIX_EPOCH;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;

use super::*;
use crate::event::{EventKind, Happening};

const DELAYS: &[Duration] = &[Duration::from_millis(1), Duration::from_millis(1)];

/// A receiver that gives these answers in turn, the last one for ever, and keeps what it gets.
#[derive(Default)]
struct Receiver {
    answers: Vec<u16>,
    posts: Mutex<Vec<Value>>,
}

async fn receive(State(receiver): State<Arc<Receiver>>, Json(body): Json<Value>) -> StatusCode {
    let mut posts = receiver.posts.lock().unwrap();
    posts.push(body);
    let answer = receiver.answers.get(posts.len() - 1).or(receiver.answers.last());
    StatusCode::from_u16(*answer.unwrap()).unwrap()
}

async fn listen(answers: &[u16]) -> (Arc<Receiver>, String) {
    let receiver = Arc::new(Receiver { answers: answers.to_vec(), ..Receiver::default() });
    let app = Router::new().route("/hook", post(receive)).with_state(Arc::clone(&receiver));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });
    (receiver, url)
}

fn event(seq: u64) -> Arc<Event> {
    let real = Some([192, 0, 2, 21].into());
    let what =
        Happening { real, ..Happening::new(EventKind::RealUnresolved, "nobody answers ARP") };
    Arc::new(Event { seq, at: UNIX_EPOCH, what })
}

/// Posts so many events that wait, and returns how many were dropped.
async fn tell(url: &str, events: u64) -> u64 {
    let dropped = Arc::new(Dropped::default());
    let (sender, receiver) = mpsc::channel(1000);
    for seq in 1..=events {
        sender.send(event(seq)).await.unwrap();
    }
    drop(sender);
    let webhook = Webhook { url: url.to_owned(), timeout: Duration::from_mins(1), ca: None };
    let poster = Poster::new(webhook, &"director".into(), &dropped);
    Poster { delays: DELAYS, ..poster }.run(receiver).await;
    dropped.counts()[2].1
}

fn numbers(posts: &[Value]) -> Vec<Vec<u64>> {
    let seq = |event: &Value| event["seq"].as_u64().unwrap();
    posts.iter().map(|post| post["events"].as_array().unwrap().iter().map(seq).collect()).collect()
}

#[tokio::test]
async fn events_are_posted_in_order_those_that_wait_together() {
    let (receiver, url) = listen(&[204]).await;
    assert_eq!(tell(&url, 250).await, 0);
    let posts = receiver.posts.lock().unwrap();
    let expected: Vec<Vec<u64>> =
        vec![(1..=100).collect(), (101..=200).collect(), (201..=250).collect()];
    assert_eq!(numbers(&posts), expected);
    assert_eq!(posts[0]["host"], "director");
    let first = serde_json::json!({
        "seq": 1, "at": "1970-01-01T00:00:00Z", "kind": "real_unresolved", "service": null,
        "real": "192.0.2.21", "message": "nobody answers ARP",
    });
    assert_eq!(posts[0]["events"][0], first);
}

#[tokio::test]
async fn one_that_is_busy_is_asked_again_and_gets_all_in_order() {
    let (receiver, url) = listen(&[503, 429, 200]).await;
    assert_eq!(tell(&url, 150).await, 0);
    let again: Vec<u64> = (1..=100).collect();
    let expected = vec![again.clone(), again.clone(), again, (101..=150).collect()];
    assert_eq!(numbers(&receiver.posts.lock().unwrap()), expected);
}

#[tokio::test]
async fn one_that_fails_for_ever_or_refuses_is_given_up_and_the_loss_is_counted() {
    let (receiver, url) = listen(&[500]).await;
    assert_eq!(tell(&url, 3).await, 3);
    assert_eq!(receiver.posts.lock().unwrap().len(), 1 + DELAYS.len());
    for refusal in [404, 302] {
        let (receiver, url) = listen(&[refusal]).await;
        assert_eq!(tell(&url, 3).await, 3);
        assert_eq!(receiver.posts.lock().unwrap().len(), 1, "{refusal}");
    }
}

#[tokio::test]
async fn where_nobody_listens_the_address_stays_out_of_what_is_said() {
    let webhook = Webhook {
        url: "http://127.0.0.1:9/secret".to_owned(),
        timeout: Duration::from_mins(1),
        ca: None,
    };
    let mut poster = Poster::new(webhook, &"director".into(), &Arc::default());
    assert_eq!(poster.name(), "webhook at 127.0.0.1");
    let post = Post { host: "director", events: Vec::new() };
    let Err(Failed::ForNow(words)) = poster.post(&post).await else { panic!("somebody listens") };
    assert!(!words.contains("secret") && words.contains("refused"), "{words}");
}
