//! Both codings, read back by the libraries' own decoders.

use std::io::Read;
use std::sync::Arc;

use super::*;

const LEVELS: Levels = Levels { gzip: 4, zstd: 3 };

fn decoded(coding: Coding, coded: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        // Exactly one member, with a sum and a length that are right.
        Coding::Gzip => {
            let mut decoder = flate2::bufread::GzDecoder::new(coded);
            decoder.read_to_end(&mut plain).unwrap();
            assert!(decoder.into_inner().is_empty());
        }
        #[cfg(feature = "zstd")]
        Coding::Zstd => plain = ::zstd::decode_all(coded).unwrap(),
        #[cfg(not(feature = "zstd"))]
        Coding::Zstd => unreachable!("it is not offered"),
    }
    plain
}

/// What a client that has got these bytes of an unfinished answer can read of it.
fn readable(coding: Coding, coded: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut piece = [0; 64];
    let mut decoder: Box<dyn Read> = match coding {
        Coding::Gzip => Box::new(flate2::bufread::GzDecoder::new(coded)),
        #[cfg(feature = "zstd")]
        Coding::Zstd => Box::new(::zstd::Decoder::new(coded).unwrap()),
        #[cfg(not(feature = "zstd"))]
        Coding::Zstd => unreachable!("it is not offered"),
    };
    while let Ok(count @ 1..) = decoder.read(&mut piece) {
        plain.extend_from_slice(&piece[..count]);
    }
    plain
}

fn each(test: impl Fn(Coding, Encoder)) {
    let contexts = Arc::new(Contexts::new(LEVELS));
    for coding in Coding::ALL {
        // The second one works with the contexts of the first.
        for _ in 0..2 {
            test(*coding, Encoder::new(*coding, contexts.clone()));
        }
    }
}

/// Text that repeats itself now and then, the same each time.
fn text(seed: u64, length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let words: Vec<String> = (0..50)
        .map(|_| (0..random.usize(1..9)).map(|_| random.lowercase()).collect())
        .collect();
    let mut text = Vec::new();
    while text.len() < length {
        text.extend_from_slice(words[random.usize(..words.len())].as_bytes());
        text.push(b' ');
    }
    text.truncate(length);
    text
}

#[test]
fn an_answer_without_a_byte_is_whole() {
    each(|coding, mut encoder| {
        let mut out = Vec::new();
        encoder.finish(&mut out).unwrap();
        assert!(!out.is_empty());
        assert_eq!(decoded(coding, &out), b"");
    });
}

#[test]
fn what_went_in_in_any_pieces_with_flushes_and_rests_between_comes_out() {
    each(|coding, mut encoder| {
        let mut random = fastrand::Rng::with_seed(7);
        let plain = text(1, 300_000);
        let (mut out, mut rest) = (Vec::new(), plain.as_slice());
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(random.usize(1..40_000).min(rest.len()));
            encoder.write(piece, &mut out).unwrap();
            rest = behind;
            if random.bool() {
                encoder.flush(&mut out).unwrap();
                if random.bool() {
                    encoder.rest(&mut out).unwrap();
                }
            }
        }
        encoder.finish(&mut out).unwrap();
        assert!(decoded(coding, &out) == plain);
        assert!(out.len() < plain.len() / 2, "{coding:?}: {}", out.len());
    });
}

#[test]
fn what_was_flushed_can_be_read_before_the_answer_is_over() {
    each(|coding, mut encoder| {
        let (mut out, mut plain) = (Vec::new(), Vec::new());
        for event in 0..20 {
            let event = format!("data: {event}\n\n");
            encoder.write(event.as_bytes(), &mut out).unwrap();
            encoder.flush(&mut out).unwrap();
            plain.extend_from_slice(event.as_bytes());
            assert_eq!(readable(coding, &out), plain, "{coding:?}");
            encoder.rest(&mut out).unwrap();
            assert_eq!(readable(coding, &out), plain, "{coding:?}");
        }
    });
}

#[test]
fn a_flush_and_a_rest_without_a_byte_before_them_change_nothing() {
    each(|coding, mut encoder| {
        let mut out = Vec::new();
        for _ in 0..3 {
            encoder.flush(&mut out).unwrap();
            encoder.rest(&mut out).unwrap();
        }
        let quiet = out.len();
        encoder.flush(&mut out).unwrap();
        encoder.rest(&mut out).unwrap();
        assert_eq!(out.len(), quiet);
        encoder.write(b"x", &mut out).unwrap();
        encoder.finish(&mut out).unwrap();
        assert_eq!(decoded(coding, &out), b"x");
    });
}

#[test]
fn bytes_that_cannot_be_made_smaller_come_out_all_the_same() {
    each(|coding, mut encoder| {
        let mut random = fastrand::Rng::with_seed(3);
        let plain: Vec<u8> = (0..100_000).map(|_| random.u8(..)).collect();
        let mut out = Vec::new();
        encoder.write(&plain, &mut out).unwrap();
        encoder.finish(&mut out).unwrap();
        assert!(decoded(coding, &out) == plain);
    });
}
