use proptest::prelude::*;

use super::*;
use crate::config::samples::TEXT;

fn path(steps: &[&str]) -> Path {
    steps.iter().fold(Path::default(), |path, step| match step.parse() {
        Ok(index) => path.index(index),
        Err(_) => path.key(step),
    })
}

fn value(text: &str, steps: &[&str]) -> (usize, usize) {
    let Position { line, column } = locate(text, &path(steps)).expect("it is there").value;
    (line, column)
}

#[test]
fn finds_values_in_a_definition() {
    assert_eq!(value(TEXT, &[]), (1, 1));
    assert_eq!(value(TEXT, &["interfaces", "1"]), (2, 26));
    assert_eq!(value(TEXT, &["services", "0", "port"]), (4, 70));
    assert_eq!(value(TEXT, &["services", "0", "reals", "1", "weight"]), (6, 55));
    assert_eq!(value(TEXT, &["services", "1"]), (7, 5));
}

#[test]
fn finds_keys() {
    let place = locate(TEXT, &path(&["services", "0", "reals", "1", "weight"])).unwrap();
    let at = |column| Position { line: 6, column };
    assert_eq!(place.key, Some((at(45), at(52))));
    assert_eq!(locate(TEXT, &path(&["services", "1"])).unwrap().key, None);
}

#[test]
fn columns_count_characters_and_lines_end_in_any_way() {
    assert_eq!(value(r#"{"é漢🦀": 1, "b": 2}"#, &["b"]), (1, 17));
    assert_eq!(value("[\r\n1,\r\n\t2]", &["1"]), (3, 2));
}

#[test]
fn keys_are_compared_unescaped() {
    assert_eq!(value(r#"{"\u0061\n": 1}"#, &["a\n"]), (1, 14));
}

#[test]
fn what_is_not_there_has_no_place() {
    for steps in [&["nothing"][..], &["services", "9"], &["services", "0", "port", "0"]] {
        assert_eq!(locate(TEXT, &path(steps)), None, "{steps:?}");
    }
    assert_eq!(locate("{", &Path::default()), None);
}

#[test]
fn names_the_second_of_two_equal_keys() {
    let text = r#"{"a": [{"b": 1, "c": 2, "\u0062": 3}]}"#;
    let (key, position) = duplicate_key(text, &path(&["a", "0"])).unwrap();
    assert_eq!((key.as_str(), position.column), ("b", 25));
    assert_eq!(duplicate_key(text, &Path::default()), None);
    assert_eq!(duplicate_key(text, &path(&["a"])), None);
}

#[test]
fn paths_are_written_as_in_javascript() {
    let path = path(&["services", "3", "reals", "1", "address", "a b", ""]);
    assert_eq!(path.to_string(), r#"services[3].reals[1].address["a b"][""]"#);
    assert_eq!(Path::default().to_string(), "");
}

/// A JSON value in pieces, with the path of the one piece that is marked.
fn nested() -> impl Strategy<Value = (String, Path, String)> {
    let blank = "[ \n\t]{0,3}";
    let step = prop_oneof![
        (proptest::collection::vec("(null|1|\"é\")", 0..3), Just(None)),
        (Just(Vec::new()), "[a-zé漢\"\\\\]{0,4}".prop_map(Some)),
    ];
    (proptest::collection::vec((step, blank), 0..6), blank).prop_map(|(steps, blank)| {
        let mut path = Path::default();
        let (mut before, mut after) = (blank, String::new());
        for ((siblings, key), blank) in steps {
            if let Some(key) = key {
                let quoted = serde_json::to_string(&key).unwrap();
                before += &["{\"first!\":[\"🦀\"],", &blank, &quoted, &blank, ":", &blank].concat();
                after.insert(0, '}');
                path = path.key(&key);
            } else {
                before += &siblings.iter().fold(format!("[{blank}"), |text, s| text + s + ",");
                after.insert_str(0, &format!("{blank}]"));
                path = path.index(siblings.len());
            }
        }
        (before, path, after)
    })
}

proptest! {
    #[test]
    fn finds_any_value((before, path, after) in nested()) {
        let text = format!("{before}\"here\"{after}");
        let place = locate(&text, &path).expect("it is there");
        let line = text.split('\n').nth(place.value.line - 1).unwrap();
        let rest: String = line.chars().skip(place.value.column - 1).collect();
        prop_assert!(rest.starts_with("\"here\""), "{rest:?} of {text:?}");
        prop_assert_eq!(place.value, Position::of_offset(&text, before.len()));
    }
}
