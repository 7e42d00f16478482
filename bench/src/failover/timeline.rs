//! What a client has seen: which of its questions were answered, when, and by whom. Pure.

use std::time::Duration;

/// A question. Times count from when the client began.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// When it was sent.
    pub sent: Duration,
    /// Its answer.
    pub answer: Option<Answer>,
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// When it came.
    pub came: Duration,
    /// Who gave it, as `director 2`.
    pub from: String,
}

/// All questions in the order in which they were sent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Timeline {
    /// The questions.
    pub questions: Vec<Question>,
}

/// A time without service.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gap {
    /// When the last question before it was sent that was answered.
    pub begin: Duration,
    /// When the first question after it was sent that was answered.
    pub end: Duration,
    /// Questions between them, none of which was answered.
    pub lost: usize,
}

impl Gap {
    /// How long the client was without service; nothing where no question was lost.
    pub fn length(&self) -> Duration {
        self.end.saturating_sub(self.begin)
    }
}

impl Timeline {
    /// The longest gap that ends after `since`, by its length. Moments in which the client itself
    /// was late and asked nothing are no gaps; nor is what came before the first answer or has not
    /// been answered yet when the client stopped.
    pub fn longest_gap(&self, since: Duration) -> Gap {
        let mut longest = Gap::default();
        let mut last = None;
        let mut unanswered = 0;
        for question in &self.questions {
            if question.answer.is_none() {
                unanswered += 1;
                continue;
            }
            if let Some(begin) = last.replace(question.sent)
                && unanswered > 0
                && question.sent > since
            {
                let gap = Gap { begin, end: question.sent, lost: unanswered };
                longest = if gap.length() > longest.length() { gap } else { longest };
            }
            unanswered = 0;
        }
        longest
    }

    /// Who has answered, one after the other, and how often in a row.
    pub fn answerers(&self) -> Vec<(&str, usize)> {
        let mut turns: Vec<(&str, usize)> = Vec::new();
        for answer in self.questions.iter().filter_map(|question| question.answer.as_ref()) {
            match turns.last_mut() {
                Some((from, count)) if *from == answer.from => *count += 1,
                _ => turns.push((&answer.from, 1)),
            }
        }
        turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// Questions sent at these times, answered by these, `-` for none.
    fn timeline(questions: &[(u64, &str)]) -> Timeline {
        let question = |(sent, from): &(u64, &str)| {
            let answer = Answer { came: ms(sent + 1), from: (*from).to_owned() };
            Question { sent: ms(*sent), answer: (*from != "-").then_some(answer) }
        };
        Timeline { questions: questions.iter().map(question).collect() }
    }

    #[test]
    fn a_gap_goes_from_the_last_answered_question_to_the_next() {
        let line =
            timeline(&[(0, "a"), (1, "a"), (2, "-"), (3, "-"), (4, "b"), (5, "-"), (6, "b")]);
        let gap = line.longest_gap(Duration::ZERO);
        assert_eq!(gap, Gap { begin: ms(1), end: ms(4), lost: 2 });
        assert_eq!(gap.length(), ms(3));
        assert_eq!(line.longest_gap(ms(4)).length(), ms(2));
        assert_eq!(line.longest_gap(ms(6)), Gap::default());
        assert_eq!(line.answerers(), [("a", 2), ("b", 2)]);
    }

    #[test]
    fn a_client_that_was_late_saw_no_gap() {
        let line = timeline(&[(0, "a"), (500, "a"), (501, "b")]);
        assert_eq!(line.longest_gap(Duration::ZERO).length(), Duration::ZERO);
    }

    #[test]
    fn the_ends_are_no_gaps() {
        let line = timeline(&[(0, "-"), (9, "a"), (10, "-"), (90, "-")]);
        assert_eq!(line.longest_gap(Duration::ZERO), Gap::default());
        assert_eq!(timeline(&[]).longest_gap(Duration::ZERO), Gap::default());
    }
}
