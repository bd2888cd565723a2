//! The three headers of a webhook: only what one of the secrets signed is accepted, by an independent HMAC.

use arbitrary::{Arbitrary, Result, Unstructured};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::payments::webhook::{Keyring, Provider, ProviderSecrets, Secret, SignatureHeaders, signature};
use sha2::{Digest, Sha256};

/// The clock, in seconds since 1970.
const NOW: u64 = 1_780_272_000;
const TOLERANCE_SECONDS: u64 = 300;
const BLOCK_BYTES: usize = 64;
const SIGNATURES_MAX: usize = 16;
const HEADER_BYTES_MAX: usize = 2048;
const PROVIDERS: [&str; 3] = ["acme", "globex", "initech"];

/// A signed webhook, possibly changed.
#[derive(Arbitrary, Debug)]
pub struct Webhook {
    /// The number of secrets of each provider: none, one, or two during a rotation.
    secrets: [SecretCount; 3],
    id: Header,
    timestamp: Timestamp,
    tokens: Vec<Token>,
    more: Option<Vec<u8>>,
    body: Vec<u8>,
    /// Bytes that are added to the body after it was signed.
    added: Vec<u8>,
}

#[derive(Debug)]
struct SecretCount(usize);

impl<'a> Arbitrary<'a> for SecretCount {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        bytes.int_in_range(0..=2).map(Self)
    }
}

#[derive(Arbitrary, Debug)]
enum Header {
    Plain(u32),
    Bytes(Vec<u8>),
    Twice(u32),
}

#[derive(Arbitrary, Debug)]
enum Timestamp {
    Now,
    Off(i16),
    Bytes(Vec<u8>),
}

/// One signature in the header.
#[derive(Arbitrary, Debug)]
enum Token {
    /// Valid, by a secret.
    Right(u8),
    /// By an unknown secret.
    Unknown(u8),
    /// Valid, except for one bit.
    Flipped(u8, u8),
    /// The first characters of a valid one.
    Prefix(u8, u8),
    /// Valid, with another version.
    Version(u8, u8),
    /// Valid, with more bytes after it.
    Longer(u8, Vec<u8>),
    Bytes(Vec<u8>),
}

/// Verifies one webhook.
pub fn check(webhook: &Webhook) {
    let secrets = webhook.secrets();
    let (ids, timestamps) = (webhook.id.values(), vec![webhook.timestamp.text()]);
    let signed = content(&ids[0], &timestamps[0], &webhook.body);
    let header = webhook.header(&signed);
    let body = [webhook.body.as_slice(), &webhook.added].concat();
    let mut signatures = vec![header];
    signatures.extend(webhook.more.clone());
    let expected = signer(&ids, &timestamps, &signatures, &body, &secrets);
    let (ids, timestamps, signatures) = (slices(&ids), slices(&timestamps), slices(&signatures));
    let headers = SignatureHeaders { id: &ids, timestamp: &timestamps, signature: &signatures };
    let keyring = keyring(&secrets);
    let verified = signature::verify(&headers, &body, &keyring, NOW * 1000 + 999);
    assert_eq!(verified.ok().map(Provider::as_str), expected, "{headers:?}");
}

/// The signer, by an independent implementation of the rules.
fn signer(
    ids: &[Vec<u8>],
    timestamps: &[Vec<u8>],
    signatures: &[Vec<u8>],
    body: &[u8],
    secrets: &[(&'static str, Vec<u8>)],
) -> Option<&'static str> {
    let ([id], [timestamp], [header]) = (ids, timestamps, signatures) else {
        return None;
    };
    let is_id = !id.is_empty() && id.iter().all(|byte| (0x21..=0x7e).contains(byte) && *byte != b'.');
    let sent_at: u64 = std::str::from_utf8(timestamp).ok()?.parse().ok()?;
    let is_near = NOW.abs_diff(sent_at) <= TOLERANCE_SECONDS && sent_at.to_string().as_bytes() == timestamp.as_slice();
    let is_short = [id, timestamp, header].iter().all(|value| value.len() <= HEADER_BYTES_MAX);
    let tokens: Vec<&[u8]> = header.split(|byte| *byte == b' ').filter(|token| token.starts_with(b"v1,")).collect();
    if !is_id || !is_near || !is_short || tokens.len() > SIGNATURES_MAX {
        return None;
    }
    let signed = content(id, timestamp, body);
    let signs = |secret: &[u8]| tokens.contains(&token(secret, &signed).as_bytes());
    secrets.iter().find(|(_, secret)| signs(secret)).map(|(provider, _)| *provider)
}

fn slices(values: &[Vec<u8>]) -> Vec<&[u8]> {
    values.iter().map(Vec::as_slice).collect()
}

fn content(id: &[u8], timestamp: &[u8], body: &[u8]) -> Vec<u8> {
    [id, b".", timestamp, b".", body].concat()
}

/// A valid signature.
fn token(secret: &[u8], signed: &[u8]) -> String {
    format!("v1,{}", STANDARD.encode(hmac_sha256(secret, signed)))
}

/// HMAC-SHA256 as RFC 2104 defines it.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = key.to_vec();
    block.resize(BLOCK_BYTES, 0);
    let padded = |pad: u8| -> Vec<u8> { block.iter().map(|byte| byte ^ pad).collect() };
    let inner = Sha256::digest([padded(0x36).as_slice(), message].concat());
    Sha256::digest([padded(0x5c).as_slice(), &inner].concat()).to_vec()
}

fn secret(number: u8) -> Vec<u8> {
    // 24 to 64 bytes, a different secret for each number.
    vec![number; 24 + usize::from(number) * 8 % 41]
}

fn keyring(secrets: &[(&'static str, Vec<u8>)]) -> Keyring {
    let of = |name: &&'static str| ProviderSecrets {
        provider: Provider::named(name).expect("a name"),
        secrets: secrets
            .iter()
            .filter(|(provider, _)| provider == name)
            .map(|(_, secret)| Secret::parse(&STANDARD.encode(secret)).expect("a secret"))
            .collect(),
    };
    Keyring::new(PROVIDERS.iter().map(of).collect()).expect("no two providers share a secret")
}

impl Webhook {
    fn secrets(&self) -> Vec<(&'static str, Vec<u8>)> {
        let of = |(at, (provider, count)): (usize, (&'static str, &SecretCount))| {
            (0..count.0).map(move |number| (provider, secret(u8::try_from(at * 2 + number).expect("few"))))
        };
        PROVIDERS.into_iter().zip(&self.secrets).enumerate().flat_map(of).collect()
    }

    fn header(&self, signed: &[u8]) -> Vec<u8> {
        let tokens: Vec<Vec<u8>> =
            self.tokens.iter().take(SIGNATURES_MAX + 2).map(|token| token.text(signed)).collect();
        tokens.join(&b" "[..])
    }
}

impl Header {
    fn values(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Plain(number) => vec![format!("msg_{number}").into_bytes()],
            Self::Bytes(bytes) => vec![bytes.clone()],
            Self::Twice(number) => vec![format!("msg_{number}").into_bytes(); 2],
        }
    }
}

impl Timestamp {
    fn text(&self) -> Vec<u8> {
        match self {
            Self::Now => NOW.to_string().into_bytes(),
            Self::Off(seconds) => NOW.saturating_add_signed(i64::from(*seconds)).to_string().into_bytes(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

impl Token {
    fn text(&self, signed: &[u8]) -> Vec<u8> {
        let right = |number: &u8| token(&secret(number % 6), signed).into_bytes();
        match self {
            Self::Right(number) => right(number),
            Self::Unknown(number) => token(&secret(number % 6 + 6), signed).into_bytes(),
            Self::Flipped(number, bit) => {
                let mut text = right(number);
                let at = usize::from(bit / 8) % text.len();
                text[at] ^= 1 << (bit % 8);
                text
            }
            Self::Prefix(number, length) => {
                let mut text = right(number);
                text.truncate(usize::from(*length));
                text
            }
            Self::Version(number, version) => {
                let mut text = right(number);
                text[1] = *version;
                text
            }
            Self::Longer(number, more) => [right(number), more.clone()].concat(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}
