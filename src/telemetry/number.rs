//! Numbers as text, at the cost of their digits: a line of the access log has a dozen, and `core::fmt` would cost more
//! than everything else in it.

/// Appends a number in decimal digits.
#[inline]
pub fn decimal(number: u64, out: &mut Vec<u8>) {
    // A length that is known costs no call to copy.
    match number {
        0..10 => out.push(b'0' + number as u8),
        10..100 => out.extend_from_slice(&pair(number)),
        100..1_000 => out.extend_from_slice(&three(number)),
        _ => many(number, out),
    }
}

fn many(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; DIGITS];
    let mut start = DIGITS;
    let mut rest = number;
    while rest >= 10 {
        start -= 2;
        digits[start..start + 2].copy_from_slice(&pair(rest % 100));
        rest /= 100;
    }
    if rest > 0 {
        start -= 1;
        digits[start] = b'0' + rest as u8;
    }
    out.extend_from_slice(&digits[start..]);
}

/// Appends microseconds as seconds with six digits behind the point.
#[inline]
pub fn seconds(micros: u64, out: &mut Vec<u8>) {
    let (whole, micros) = (micros / MICROS, micros % MICROS);
    let [[a, b], [c, d], [e, f]] = [micros / 10_000, micros / 100 % 100, micros % 100].map(pair);
    if whole < 10 {
        return out.extend_from_slice(&[b'0' + whole as u8, b'.', a, b, c, d, e, f]);
    }
    decimal(whole, out);
    out.extend_from_slice(&[b'.', a, b, c, d, e, f]);
}

/// Appends milliseconds as seconds with three digits behind the point.
#[inline]
pub fn millis(millis: u64, out: &mut Vec<u8>) {
    decimal(millis / 1000, out);
    let [a, b, c] = three(millis % 1000);
    out.extend_from_slice(&[b'.', a, b, c]);
}

/// The three decimal digits of a number below 1,000.
#[inline]
pub fn three(number: u64) -> [u8; 3] {
    debug_assert!(number < 1_000);
    let [tens, ones] = pair(number % 100);
    [b'0' + (number / 100) as u8, tens, ones]
}

/// The sixteen hexadecimal digits of a number, in lower case.
#[inline]
pub fn hex(number: u64) -> [u8; 16] {
    std::array::from_fn(|at| b"0123456789abcdef"[(number >> (60 - 4 * at)) as usize & 0xF])
}

/// The two decimal digits of a number below 100.
#[inline]
fn pair(number: u64) -> [u8; 2] {
    PAIRS[number as usize]
}

/// Digits of the largest number.
const DIGITS: usize = 20;

/// Microseconds in a second.
const MICROS: u64 = 1_000_000;

/// `00` to `99`: one division for two digits.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + number as u8 / 10, b'0' + number as u8 % 10];
        number += 1;
    }
    pairs
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = b"x".to_vec();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// Whether all forms of a number are what `core::fmt` writes.
    fn check(number: u64) {
        assert_eq!(written(|out| decimal(number, out)), format!("x{number}"));
        assert_eq!(hex(number), format!("{number:016x}").as_bytes());
        let expected = format!("x{}.{:06}", number / 1_000_000, number % 1_000_000);
        assert_eq!(written(|out| seconds(number, out)), expected);
        let expected = format!("x{}.{:03}", number / 1_000, number % 1_000);
        assert_eq!(written(|out| millis(number, out)), expected);
    }

    #[test]
    fn small_numbers_are_written_as_fmt_writes_them() {
        (0..=10_000).for_each(check);
        for number in 0..1_000 {
            assert_eq!(three(number), format!("{number:03}").as_bytes());
        }
    }

    #[test]
    fn numbers_around_every_power_are_written_as_fmt_writes_them() {
        let powers = (0..20).map(|exponent| 10_u64.pow(exponent));
        for power in powers.chain((0..64).map(|bit| 1 << bit)).chain([0]) {
            for near in 0..3 {
                check(power.wrapping_add(near));
                check(power.wrapping_sub(near));
            }
        }
    }

    proptest! {
        #[test]
        fn any_number_is_written_as_fmt_writes_it(number: u64, bits in 0..64_u32) {
            check(number >> bits);
        }
    }
}
