use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;
use crate::health::failure::Kind;
use crate::health::record::Failed;

const PATIENCE: Duration = Duration::from_secs(30);

/// Answers from a script, the last of which goes on for ever.
struct Scripted {
    answers: Mutex<VecDeque<Answer>>,
    own: Answer,
}

impl Probe for Scripted {
    fn probe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Answer> {
        let mut answers = self.answers.lock().unwrap();
        let answer = match target.mark {
            None => self.own.clone(),
            Some(_) if answers.len() > 1 => answers.pop_front().unwrap(),
            Some(_) => answers.front().unwrap().clone(),
        };
        Box::pin(std::future::ready(answer))
    }
}

/// Never answers, and does not keep its time.
struct Silent;

impl Probe for Silent {
    fn probe<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, Answer> {
        Box::pin(std::future::pending())
    }
}

fn refused() -> Answer {
    Err(Failed { kind: Kind::Refused, words: "connection refused".to_owned() })
}

fn scripted(answers: impl IntoIterator<Item = Answer>, own: Answer) -> Arc<dyn Probe> {
    Arc::new(Scripted { answers: Mutex::new(answers.into_iter().collect()), own })
}

fn key(last: u8) -> Key {
    let endpoint = Endpoint {
        protocol: lb_common::key::Protocol::Tcp,
        address: "192.0.2.10".parse().unwrap(),
        port: 80.into(),
    };
    (endpoint, [192, 0, 2, last].into())
}

fn assigned(prober: &Arc<dyn Probe>, key: &Key) -> Assignment {
    let mut timing = Timing::of(Duration::from_millis(20));
    timing.fall = 2;
    Assignment {
        prober: Arc::clone(prober),
        timing,
        target: Target { real: key.1, mark: Some(1) },
        own: Some(Target { real: key.1, mark: None }),
    }
}

fn just(
    key: Key,
    assignment: Assignment,
    known: Condition,
) -> HashMap<Key, (Assignment, Condition)> {
    HashMap::from([(key, (assignment, known))])
}

async fn next(reports: &mut mpsc::UnboundedReceiver<Report>) -> Report {
    tokio::time::timeout(PATIENCE, reports.recv()).await.expect("a report").expect("a driver")
}

#[tokio::test]
async fn reports_say_what_changed_and_why() {
    let (mut driver, mut reports) = Driver::start().unwrap();
    let prober = scripted([Ok(()), refused(), refused(), Ok(())], refused());
    driver.set(just(key(21), assigned(&prober, &key(21)), Condition::Unknown));
    let mut changed = Vec::new();
    for _ in 0..3 {
        let report = next(&mut reports).await;
        assert!(driver.is_current(&report));
        let ReportKind::Changed { condition, why } = report.kind else { panic!("{report:?}") };
        changed.push((condition, why));
    }
    let why = Some("connection refused".to_owned());
    assert_eq!(changed, [(Condition::Up, None), (Condition::Down, why), (Condition::Up, None)],);
    let findings = driver.findings(&key(21)).unwrap();
    assert_eq!((findings.condition, findings.failures), (Condition::Up, 2));
    assert!(findings.successes >= 2 && findings.since.is_some());
}

#[tokio::test]
async fn a_real_that_fails_at_the_vip_alone_says_so() {
    let (mut driver, mut reports) = Driver::start().unwrap();
    let prober = scripted([refused()], Ok(()));
    driver.set(just(key(21), assigned(&prober, &key(21)), Condition::Unknown));
    let first = next(&mut reports).await;
    assert!(matches!(first.kind, ReportKind::Changed { condition: Condition::Down, .. }));
    let ReportKind::Hint { text } = next(&mut reports).await.kind else { panic!("a hint") };
    assert!(text.contains("listen on 192.0.2.21 only"), "{text}");
    let reason = driver.findings(&key(21)).unwrap().reason().unwrap();
    assert_eq!(reason, format!("connection refused {text}"));
}

#[tokio::test]
async fn the_hint_is_there_when_a_real_goes_down() {
    let (mut driver, mut reports) = Driver::start().unwrap();
    let prober = scripted([refused()], Ok(()));
    driver.set(just(key(21), assigned(&prober, &key(21)), Condition::Up));
    let ReportKind::Changed { condition, why } = next(&mut reports).await.kind else {
        panic!("a change")
    };
    assert_eq!(condition, Condition::Down);
    assert!(why.unwrap().contains("itself passes"));
}

#[tokio::test]
async fn a_prober_that_never_ends_is_given_up() {
    let (mut driver, mut reports) = Driver::start().unwrap();
    let prober: Arc<dyn Probe> = Arc::new(Silent);
    driver.set(just(key(21), assigned(&prober, &key(21)), Condition::Unknown));
    let ReportKind::Changed { condition, why } = next(&mut reports).await.kind else {
        panic!("a change")
    };
    assert_eq!((condition, why.as_deref()), (Condition::Down, Some("no result in time")));
}

#[tokio::test]
async fn a_change_of_the_check_keeps_what_is_known_and_forgets_what_was_on_its_way() {
    let (mut driver, mut reports) = Driver::start().unwrap();
    let prober = scripted([Ok(())], Ok(()));
    driver.set(just(key(21), assigned(&prober, &key(21)), Condition::Unknown));
    let up = next(&mut reports).await;
    let slower =
        Assignment { timing: Timing::of(Duration::from_hours(1)), ..assigned(&prober, &key(21)) };
    driver.set(just(key(21), slower.clone(), Condition::Up));
    assert!(!driver.is_current(&up), "it is of the check before");
    assert_eq!(driver.findings(&key(21)).unwrap().condition, Condition::Up);
    assert!(driver.findings(&key(21)).unwrap().since.is_some(), "what was found is kept");
    driver.set(just(key(21), slower, Condition::Down));
    assert_eq!(driver.findings(&key(21)).unwrap().condition, Condition::Up, "it is the same");
    driver.set(HashMap::new());
    assert_eq!(driver.findings(&key(21)), None);
    assert!(driver.ask(&key(21)).is_none());
}

#[tokio::test]
async fn who_asks_hears_of_a_probe_that_began_after_that() {
    let (mut driver, mut reports) = Driver::start().unwrap();
    let prober = scripted([Ok(()), refused()], refused());
    let mut rare = assigned(&prober, &key(21));
    rare.timing.interval = Duration::from_hours(1);
    driver.set(just(key(21), rare, Condition::Unknown));
    next(&mut reports).await;
    let answer = driver.ask(&key(21)).unwrap();
    let answer = tokio::time::timeout(PATIENCE, answer).await.expect("soon").unwrap();
    assert_eq!(answer, refused());
}

#[tokio::test]
async fn what_was_not_heard_of_before_a_change_is_reported_again() {
    let (mut driver, mut reports) = Driver::start().unwrap();
    let prober = scripted([Ok(())], Ok(()));
    driver.set(just(key(21), assigned(&prober, &key(21)), Condition::Unknown));
    let unheard = next(&mut reports).await;
    let other = scripted([Ok(())], Ok(()));
    driver.set(just(key(21), assigned(&other, &key(21)), Condition::Unknown));
    assert!(!driver.is_current(&unheard));
    let again = next(&mut reports).await;
    assert!(driver.is_current(&again));
    assert_eq!(again.kind, ReportKind::Changed { condition: Condition::Up, why: None });
}
