//! Rejections of tokens and signatures that are wrong at one position, to count their instructions: these must not reveal how
//! much of a value was right.

use domain::StatusToken;
use domain::payments::webhook::signature::{self, SignatureHeaders};
use domain::payments::webhook::{Keyring, Provider, ProviderSecrets, Secret};
use std::error::Error;
use std::hint::black_box;

const TOKEN: &str = "4be1c4d185d519d296e27df4d5b6cb3c";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_1";
const SENT_AT_SECONDS: u64 = 1_769_904_000;
const BODY: &[u8] = b"{\"transaction_id\":\"pay-1\"}";

/// Rejects a value whose character at `position` is wrong so often, and returns how often it was accepted, which is never.
///
/// # Errors
/// There is no such subject.
pub(crate) fn repeat(subject: &str, position: usize, times: u32) -> Result<String, Box<dyn Error>> {
    let accepted = match subject {
        "token" => {
            let (token, guess) = (StatusToken::new(TOKEN), wrong_at(TOKEN, position));
            count(times, || black_box(&token).opens_with(black_box(&guess)))
        }
        "signature" => {
            let secret = Secret::parse(SECRET)?;
            let right = signature::sign(&secret, ID, SENT_AT_SECONDS, BODY);
            // After the version and its comma.
            let guess = wrong_at(&right, position + 3);
            let provider = Provider::named("acme").ok_or("not a name")?;
            let keyring = Keyring::new(vec![ProviderSecrets { provider, secrets: vec![secret] }])?;
            let sent_at = SENT_AT_SECONDS.to_string();
            let headers = SignatureHeaders {
                id: &[ID.as_bytes()],
                timestamp: &[sent_at.as_bytes()],
                signature: &[guess.as_bytes()],
            };
            let now_ms = SENT_AT_SECONDS * 1000;
            count(times, || signature::verify(black_box(&headers), BODY, black_box(&keyring), now_ms).is_ok())
        }
        // A control, which is not constant-time and must be detected.
        "loop" => {
            let guess = wrong_at(TOKEN, position);
            count(times, || {
                let (token, guess) = (black_box(TOKEN), black_box(&guess));
                token.bytes().zip(guess.bytes()).all(|(one, other)| black_box(one) == other)
            })
        }
        _ => return Err(format!("There is no subject {subject}: token, signature or loop").into()),
    };
    Ok(accepted.to_string())
}

fn count(times: u32, mut guess: impl FnMut() -> bool) -> u32 {
    (0..times).map(|_| u32::from(guess())).sum()
}

/// The text with a different character at one position.
fn wrong_at(text: &str, position: usize) -> String {
    let other = |letter: char| if letter == '1' { '2' } else { '1' };
    text.char_indices().map(|(at, letter)| if at == position { other(letter) } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_a_value_that_is_wrong_anywhere_and_accepts_the_right_one() {
        for (subject, length) in [("token", 32), ("signature", 43), ("loop", 32)] {
            for position in 0..length {
                assert_eq!(repeat(subject, position, 3).unwrap(), "0", "{subject} {position}");
            }
            assert_eq!(repeat(subject, 1000, 3).unwrap(), "3", "{subject}");
        }
        assert!(repeat("other", 0, 1).is_err());
    }
}
