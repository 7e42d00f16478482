//! What checks have found that were asked for. Pure.

use std::fmt::Write;

use crate::api::wire::Checked;

/// One line for each real.
pub(in crate::cli) fn lines(checked: &Checked) -> String {
    let width = checked.reals.iter().map(|real| real.address.to_string().len()).max().unwrap_or(0);
    let mut text = String::new();
    for real in &checked.reals {
        let address = real.address.to_string();
        let _ = match &real.reason {
            None => writeln!(text, "{address:width$} passed"),
            Some(reason) => writeln!(text, "{address:width$} failed: {reason}"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire::CheckedReal;

    #[test]
    fn a_line_for_each_real() {
        let real = |address: &str, reason: Option<&str>| CheckedReal {
            address: address.parse().unwrap(),
            passed: reason.is_none(),
            reason: reason.map(str::to_owned),
        };
        let refused = real("192.0.2.121", Some("connection refused"));
        let checked = Checked { reals: vec![real("192.0.2.21", None), refused] };
        let expected = "192.0.2.21  passed\n192.0.2.121 failed: connection refused\n";
        assert_eq!(lines(&checked), expected);
        assert_eq!(lines(&Checked::default()), "");
    }
}
