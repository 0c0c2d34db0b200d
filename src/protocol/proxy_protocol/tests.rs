//! Headers of both versions: what they mean, where they end, what is none.

use super::*;

const ENDS: &str = "192.0.2.1:56324 198.51.100.1:443";
const ENDS6: &str = "[2001:db8::1]:56324 [2001:db8::2]:443";

fn ends(text: &str) -> Origin {
    let (source, destination) = text.split_once(' ').unwrap();
    Origin::Tcp(Ends {
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
    })
}

/// A header of version 2 with these parts.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = (rest.len() as u16).to_be_bytes();
    [v2::SIGNATURE, &[command, family], &length, rest].concat()
}

fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
    let length = (value.len() as u16).to_be_bytes();
    [&[kind], &length[..], value].concat()
}

const IPV4: &[u8] = &[192, 0, 2, 1, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb];

fn ipv4(tlvs: &[u8]) -> Vec<u8> {
    binary(v2::PROXY, v2::TCP4, &[IPV4, tlvs].concat())
}

/// The TLV of TLS with a client's certificate that was verified.
fn ssl() -> Vec<u8> {
    let inner = [tlv(0x21, b"TLSv1.3"), tlv(0x22, b"joe"), tlv(0x23, b"ECDHE")].concat();
    tlv(0x20, &[&[0x07, 0, 0, 0, 0], &inner[..]].concat())
}

/// A header with its checksum.
fn summed(tlvs: &[u8]) -> Vec<u8> {
    let mut header = ipv4(&[&tlv(0x03, &[0; 4]), tlvs].concat());
    let sum = checksum::crc32c([&header]);
    header[31..35].copy_from_slice(&sum.to_be_bytes());
    header
}

/// Headers, and whose connections they are of.
fn headers() -> Vec<(Vec<u8>, Origin)> {
    let ipv6 = || {
        let ip = |last| [&[0x20, 0x01, 0x0d, 0xb8][..], &[0; 11], &[last]].concat();
        [&ip(1)[..], &ip(2), &[0xdc, 0x04, 0x01, 0xbb]].concat()
    };
    vec![
        (
            b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n".to_vec(),
            ends(ENDS),
        ),
        (
            b"PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n".to_vec(),
            ends(ENDS6),
        ),
        (
            b"PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.1 0 65535\r\n".to_vec(),
            ends("[::ffff:192.0.2.1]:0 [::ffff:198.51.100.1]:65535"),
        ),
        (
            [
                "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
            ]
            .concat()
            .into_bytes(),
            ends(
                "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
            ),
        ),
        (b"PROXY UNKNOWN\r\n".to_vec(), Origin::Unknown),
        (
            format!("PROXY UNKNOWN {}\r\n", "f".repeat(107 - 16)).into_bytes(),
            Origin::Unknown,
        ),
        (ipv4(&[]), ends(ENDS)),
        (ipv4(&[tlv(0x01, b"h2"), tlv(0x04, &[0; 5])].concat()), ends(ENDS)),
        (ipv4(&ssl()), ends(ENDS)),
        (summed(&ssl()), ends(ENDS)),
        (summed(&[]), ends(ENDS)),
        (binary(v2::PROXY, v2::TCP6, &ipv6()), ends(ENDS6)),
        (binary(v2::PROXY, 0x31, &[b'/'; 216]), Origin::Unix),
        (binary(v2::PROXY, 0x32, &[b'/'; 216]), Origin::Unknown),
        (binary(v2::PROXY, 0x12, IPV4), Origin::Unknown),
        (
            binary(v2::PROXY, v2::UNSPEC, &tlv(0x02, b"a.example")),
            Origin::Unknown,
        ),
        (binary(v2::LOCAL, v2::UNSPEC, &[]), Origin::Local),
        // Whatever follows, and whatever family is named.
        (binary(v2::LOCAL, 0x99, &[1, 2, 3]), Origin::Local),
        (
            binary(v2::LOCAL, v2::UNSPEC, &[0; MAX_HEADER - 16]),
            Origin::Local,
        ),
    ]
}

#[test]
fn a_header_ends_where_it_says_however_it_is_cut() {
    for (bytes, origin) in headers() {
        for end in 0..bytes.len() {
            assert_eq!(
                decode(&bytes[..end]),
                Ok(None),
                "{end} of {:?}",
                bytes.escape_ascii()
            );
        }
        for after in [&b""[..], b"GET / HTTP/1.1\r\n", b"\r\n\r\n\0", b"PROXY "] {
            let (header, length) = decode(&[&bytes, after].concat()).unwrap().unwrap();
            assert_eq!((header.origin, length), (origin, bytes.len()));
        }
    }
}

#[test]
fn what_is_no_header_is_known_at_its_first_wrong_byte_and_stays_so() {
    use HeaderError::*;
    let line = |rest: &str| format!("PROXY {rest}\r\n").into_bytes();
    let wrong = [
        (b"GET / HTTP/1.1\r\n".to_vec(), Missing),
        (b"PRI * HTTP/2.0\r\n\r\n".to_vec(), Missing),
        (b"\x16\x03\x01\x02\x00".to_vec(), Missing),
        (b"proxy TCP4 1.2.3.4 1.2.3.4 1 1\r\n".to_vec(), Missing),
        (b"\r\nGET /".to_vec(), Missing),
        (line("TCP4 192.0.2.1 198.51.100.1 56324"), Address),
        (line("TCP4 192.0.2.1 198.51.100.1 56324 443 "), Address),
        (line("TCP4  192.0.2.1 198.51.100.1 56324 443"), Address),
        (line("TCP4 192.0.2.01 198.51.100.1 56324 443"), Address),
        (line("TCP4 2001:db8::1 2001:db8::2 56324 443"), Address),
        (line("TCP6 192.0.2.1 198.51.100.1 56324 443"), Address),
        (line("TCP6 fe80::1%eth0 ::1 56324 443"), Address),
        (line("TCP4 192.0.2.1 198.51.100.1 65536 443"), Port),
        (line("TCP4 192.0.2.1 198.51.100.1 +1 443"), Port),
        (line("TCP4 192.0.2.1 198.51.100.1 1 0443"), Port),
        (line("TCP4 192.0.2.1 198.51.100.1 1 "), Port),
        (line("TCP4"), Address),
        (line("UDP4 192.0.2.1 198.51.100.1 1 443"), Word),
        (line("tcp4 192.0.2.1 198.51.100.1 1 443"), Word),
        (line("\u{fc}"), Word),
        (line(""), Word),
        (b"PROXY UNKNOWN\n".to_vec(), LineEnd),
        (b"PROXY UNKNOWN\r\r\n".to_vec(), LineEnd),
        (b"PROXY UNKNOWN\0\r\n".to_vec(), LineEnd),
        (line(&format!("UNKNOWN {}", "f".repeat(107 - 15))), LineTooLong),
        ([b"PROXY UNKNOWN".to_vec(), vec![b' '; 200]].concat(), LineTooLong),
        (binary(0x11, v2::TCP4, IPV4), Version(1)),
        (binary(0x31, v2::TCP4, IPV4), Version(3)),
        (binary(0x22, v2::TCP4, IPV4), Command(2)),
        (binary(v2::PROXY, 0x41, IPV4), Family(0x41)),
        (binary(v2::PROXY, 0x13, IPV4), Family(0x13)),
        (binary(v2::PROXY, v2::TCP4, &IPV4[..11]), TooShort),
        (binary(v2::PROXY, v2::TCP6, IPV4), TooShort),
        (
            binary(v2::LOCAL, v2::UNSPEC, &[0; MAX_HEADER - 15]),
            TooLarge(MAX_HEADER + 1),
        ),
        (binary(v2::PROXY, v2::TCP4, &[0xff; 65_535]), TooLarge(65_551)),
        (ipv4(&[0x01]), Tlv(1)),
        (ipv4(&[0x01, 0]), Tlv(1)),
        (ipv4(&[0x02, 0, 3, b'a', b'b']), Tlv(2)),
        (ipv4(&tlv(0x20, &[0x01, 0, 0, 0])), Tlv(0x20)),
        (ipv4(&tlv(0x20, &[0x01, 0, 0, 0, 0, 0x21, 0, 9])), Tlv(0x21)),
        (ipv4(&tlv(0x03, &[0; 3])), Tlv(3)),
        (ipv4(&tlv(0x03, &[0; 4])), Checksum),
    ];
    for (bytes, error) in wrong {
        let shown = bytes.escape_ascii();
        assert_eq!(decode(&bytes), Err(error), "{shown}");
        let mut failed = false;
        for end in 0..bytes.len() {
            match decode(&bytes[..end]) {
                Ok(None) => assert!(!failed, "{end} of {shown}"),
                Ok(Some(_)) => panic!("{end} of {shown}"),
                Err(found) => {
                    assert_eq!(found, error, "{end} of {shown}");
                    failed = true;
                }
            }
        }
    }
}

#[test]
fn each_bit_is_under_the_checksum() {
    let good = summed(&[ssl(), tlv(0x05, b"number 7")].concat());
    // Without the type of its own TLV there is none.
    let kind = 16 + IPV4.len();
    for place in (12..good.len()).filter(|place| *place != kind) {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[place] ^= 1 << bit;
            // A flag that makes it LOCAL, a length that asks for more: another header.
            match decode(&bad) {
                Ok(Some((header, _))) => {
                    assert_ne!(header.origin, ends(ENDS), "bit {bit} of {place}");
                }
                Ok(None) => assert!((14..16).contains(&place), "bit {bit} of {place}"),
                Err(_) => {}
            }
        }
    }
}

#[test]
fn tlvs_are_found_by_their_types() {
    let tlvs = [
        tlv(0x01, b"http/1.1"),
        tlv(0x02, b"a.example"),
        ssl(),
        tlv(0x05, b"number 7"),
        tlv(0x01, b"h2"),
        tlv(0xea, b""),
    ];
    let (header, _) = decode(&ipv4(&tlvs.concat())).unwrap().unwrap();
    assert!(header.is_secure());
    let value = |kind| header.tlvs.get(kind);
    assert_eq!(value(Kind::ALPN), Some(&b"http/1.1"[..]), "the first one");
    assert_eq!(value(Kind::AUTHORITY), Some(&b"a.example"[..]));
    assert_eq!(value(Kind::UNIQUE_ID), Some(&b"number 7"[..]));
    assert_eq!(value(Kind(0xea)), Some(&b""[..]));
    assert_eq!(value(Kind::NETNS), None);
    let ssl = header.tlvs.ssl().unwrap();
    assert_eq!((ssl.is_client(), ssl.verify), (true, 0));
    assert_eq!(ssl.get(SslKind::VERSION), Some(&b"TLSv1.3"[..]));
    assert_eq!(ssl.get(SslKind::CN), Some(&b"joe"[..]));
    assert_eq!(ssl.get(SslKind::CIPHER), Some(&b"ECDHE"[..]));
    assert_eq!(ssl.get(SslKind::KEY_ALG), None);
}

#[test]
fn a_client_without_tls_is_not_secure() {
    for tlvs in [tlv(0x20, &[0, 0, 0, 0, 0]), tlv(0x01, b"h2")] {
        let (header, _) = decode(&ipv4(&tlvs)).unwrap().unwrap();
        assert!(!header.is_secure());
    }
}

#[test]
fn what_is_sent_is_what_is_received() {
    let origins = [Origin::Local, Origin::Unknown, ends(ENDS), ends(ENDS6)];
    for origin in origins {
        let mut header = Header::of(origin);
        if origin != Origin::Local {
            header.tlvs = Tlvs::secure();
        }
        let bytes = header.encode(Version::V2);
        assert_eq!(decode(&bytes), Ok(Some((header.clone(), bytes.len()))));
        assert_eq!(header.is_secure(), origin != Origin::Local);
        let bytes = header.encode(Version::V1);
        let (received, length) = decode(&bytes).unwrap().unwrap();
        let known = header.ends().is_some();
        let shown = if known { origin } else { Origin::Unknown };
        assert_eq!((received, length), (Header::of(shown), bytes.len()));
    }
}

#[test]
fn a_line_is_that_of_the_specification() {
    let line = |origin| String::from_utf8(Header::of(origin).encode(Version::V1)).unwrap();
    assert_eq!(
        line(ends(ENDS)),
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"
    );
    assert_eq!(
        line(ends(ENDS6)),
        "PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n"
    );
    assert_eq!(line(Origin::Unix), "PROXY UNKNOWN\r\n");
    assert_eq!(Header::of(ends(ENDS)).encode(Version::V2), ipv4(&[]));
}

#[test]
fn addresses_of_two_families_are_mapped() {
    let mixed = Header::of(ends("192.0.2.1:56324 [2001:db8::2]:443"));
    assert_eq!(
        mixed.encode(Version::V1),
        b"PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 56324 443\r\n"
    );
    let (received, _) = decode(&mixed.encode(Version::V2)).unwrap().unwrap();
    assert_eq!(
        received.origin,
        ends("[::ffff:192.0.2.1]:56324 [2001:db8::2]:443")
    );
}

#[test]
fn only_what_is_said_of_tls_is_handed_on() {
    let tlvs = [tlv(0x01, b"h2"), ssl(), tlv(0x05, b"number 7")].concat();
    let (header, _) = decode(&ipv4(&tlvs)).unwrap().unwrap();
    assert_eq!(header.tlvs.only_ssl().as_bytes(), ssl());
    assert_eq!(Tlvs::default().only_ssl(), Tlvs::default());
}

#[test]
fn a_checksum_is_not_that_of_another_header() {
    let (header, _) = decode(&summed(&ssl())).unwrap().unwrap();
    let bytes = header.encode(Version::V2);
    assert_eq!(bytes, ipv4(&ssl()));
}

#[test]
fn damaged_headers_do_no_harm() {
    let mut random = fastrand::Rng::with_seed(7);
    let headers = headers();
    for _ in 0..20_000 {
        let (mut bytes, _) = random.choice(&headers).unwrap().clone();
        for _ in 0..random.usize(1..4) {
            let place = random.usize(..bytes.len().min(80));
            bytes[place] = random.u8(..);
        }
        let whole = decode(&bytes);
        if let Ok(Some((_, length))) = whole {
            assert_eq!(decode(&bytes[..length]), whole);
            assert_eq!(decode(&bytes[..length - 1]), Ok(None));
        }
        for end in 0..bytes.len().min(40) {
            if let Err(error) = decode(&bytes[..end]) {
                assert_eq!(whole, Err(error));
            }
        }
    }
}
