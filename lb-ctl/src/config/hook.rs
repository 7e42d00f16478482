//! Commands of the operator's that lb-ctl runs: not by a shell, so that nothing in them is expanded.

use std::fmt;

/// A command as it is written, with its words apart.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct HookCommand {
    text: String,
    words: Vec<String>,
}

/// Why a text is no command.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum HookError {
    /// There is nothing in it.
    #[error("a command is empty: give the path of a program, or leave the key out")]
    Empty,
    /// A quote that does not end, or a backslash at the end.
    #[error("the quotes in {text:?} do not match: close them, or escape them by a backslash")]
    Quotes { text: String },
    /// Which program is meant would depend on the daemon's environment.
    #[error("{program:?} is not an absolute path: write it like /etc/lb-ctl/notify.sh")]
    Relative { program: String },
}

impl HookCommand {
    /// Reads a command: words apart by blanks, quotes and backslashes as in a shell, and nothing
    /// else of a shell.
    ///
    /// # Errors
    /// [`HookError`]: it is empty, its quotes do not match, or its program is no absolute path.
    pub fn parse(text: &str) -> Result<Self, HookError> {
        let words =
            shlex::split(text).ok_or_else(|| HookError::Quotes { text: text.to_owned() })?;
        match words.first() {
            None => Err(HookError::Empty),
            Some(program) if !program.starts_with('/') => {
                Err(HookError::Relative { program: program.clone() })
            }
            Some(_) => Ok(Self { text: text.to_owned(), words }),
        }
    }

    /// The program's path.
    pub fn program(&self) -> &str {
        &self.words[0]
    }

    /// Its arguments.
    pub fn arguments(&self) -> &[String] {
        &self.words[1..]
    }
}

impl fmt::Display for HookCommand {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_as_in_a_shell() {
        let command = HookCommand::parse(r#"/bin/notify "a b" c\ d 'e "f'"#).unwrap();
        assert_eq!(command.program(), "/bin/notify");
        assert_eq!(command.arguments(), ["a b", "c d", "e \"f"]);
        assert_eq!(command.to_string(), r#"/bin/notify "a b" c\ d 'e "f'"#);
    }

    #[test]
    fn nothing_is_expanded() {
        let command = HookCommand::parse("/bin/notify $HOME `id` ; rm *").unwrap();
        assert_eq!(command.arguments(), ["$HOME", "`id`", ";", "rm", "*"]);
    }

    #[test]
    fn what_is_no_command_is_refused_with_the_reason() {
        for (text, words) in [
            ("", "empty"),
            ("  ", "empty"),
            ("/bin/notify \"a", "quotes"),
            ("/bin/notify a\\", "quotes"),
            ("notify.sh", "not an absolute path"),
        ] {
            let error = HookCommand::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text:?}: {error}");
        }
    }
}
