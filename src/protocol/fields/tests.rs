use super::*;

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().copied().collect()
}

fn listed(fields: &Fields) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    fields
        .iter()
        .map(|field| (text(field.spelling), text(field.value)))
        .collect()
}

#[test]
fn order_repetition_and_spelling_are_kept() {
    let pairs = [("X-b", "1"), ("hOST", "a"), ("x-B", "2"), ("Cookie", "")];
    let found = listed(&fields(&pairs));
    let expected: Vec<_> = pairs
        .iter()
        .map(|(n, v)| (n.to_string(), v.to_string()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_name_is_found_in_any_case() {
    let fields = fields(&[("X-b", "1"), ("hOST", "a"), ("x-B", "2")]);
    assert_eq!(fields.get(FieldName::Host), Some(&b"a"[..]));
    assert_eq!(fields.get_named(b"HOST"), Some(&b"a"[..]));
    assert_eq!(fields.all_named(b"X-B").collect::<Vec<_>>(), [b"1", b"2"]);
    assert_eq!(fields.get(FieldName::Cookie), None);
}

#[test]
fn repetition_is_known_for_every_name() {
    let fields = fields(&[
        ("X-b", "1"),
        ("Cookie", "a"),
        ("x-B", "2"),
        ("cookie", "b"),
        ("X-c", "3"),
    ]);
    let again: Vec<_> = fields.iter().map(|field| field.again).collect();
    assert_eq!(again, [false, false, true, true, false]);
    let repeated: Vec<_> = fields.iter().map(|field| fields.is_repeated(&field)).collect();
    assert_eq!(repeated, [true, true, true, true, false]);
    assert!(fields.repeated().contains(FieldName::Cookie));
}

#[test]
fn set_leaves_one_and_remove_none() {
    let mut fields = fields(&[("Date", "1"), ("X-a", "2"), ("date", "3")]);
    fields.set(FieldName::Date, "4");
    assert_eq!(fields.all(FieldName::Date).collect::<Vec<_>>(), [b"4"]);
    assert!(!fields.repeated().contains(FieldName::Date));
    assert!(fields.remove(FieldName::Date) && !fields.remove(FieldName::Date));
    assert!(fields.remove_named(b"x-A") && fields.is_empty());
    fields.append_number(FieldName::Age, u64::MAX);
    assert_eq!(fields.get(FieldName::Age), Some(&b"18446744073709551615"[..]));
}

#[test]
fn a_list_replaces_the_names_that_it_has() {
    let mut fields = fields(&[("x-A", "1"), ("Via", "2"), ("Age", "3"), ("X-a", "4")]);
    fields.set_all(&self::fields(&[("X-A", "5"), ("Via", "6"), ("Via", "7")]));
    assert_eq!(
        fields,
        self::fields(&[("Age", "3"), ("X-A", "5"), ("Via", "6"), ("Via", "7")])
    );
    assert_eq!(fields.to_bytes(FieldName::Via).as_deref(), Some(&b"6"[..]));
    assert_eq!(fields.to_bytes(FieldName::Host), None);
    assert!(fields.try_set(FieldName::Via, b"8") && !fields.try_set(FieldName::Via, b"\n"));
    assert_eq!(fields.all(FieldName::Via).collect::<Vec<_>>(), [b"8"]);
}

#[test]
fn a_name_that_is_no_token_is_not_added() {
    let mut fields = Fields::new();
    assert!(!fields.append_named(b"a b", "1") && !fields.append_named(b"", "1") && fields.is_empty());
    assert!(!fields.set_named(b"a:", "1"));
}

#[test]
fn connection_options_are_found_in_every_list() {
    let fields = fields(&[("Connection", "keep-alive"), ("connection", "x , Upgrade,")]);
    assert!(fields.connection_has("upgrade") && fields.connection_has("Keep-Alive"));
    assert!(!fields.connection_has("close"));
}

#[test]
fn http2_has_the_same_fields_in_lower_case() {
    let ours = fields(&[("X-A", "1"), ("Set-Cookie", "a"), ("Set-Cookie", "b")]);
    let headers = http::HeaderMap::from(&ours);
    assert_eq!(Fields::from(&headers), ours);
    assert_eq!(listed(&Fields::from(&headers))[0].0, "x-a");
}

#[test]
fn a_list_that_is_shared_says_the_same_and_can_be_added_to() {
    let mut fields: Fields = [("Content-Type", "text/plain"), ("X-Own", "1")]
        .into_iter()
        .collect();
    let before = fields.clone();
    fields.share();
    assert_eq!(fields, before);
    let mut copy = fields.clone();
    copy.set(FieldName::ContentType, "text/html");
    assert_eq!(
        copy,
        Fields::from_iter([("X-Own", "1"), ("Content-Type", "text/html")])
    );
    assert_eq!(fields, before);
}

#[test]
fn lines_are_written_as_the_fields_are_in_order() {
    let block = b"A: 1\r\nHost: a\r\nB:2\r\nc:  3 \r\nD: \r\nE: 5\nF: 6\r\nAge: 7\r\nG: 8\r\n\r\n";
    let mut fields = Fields::new();
    let mut start = 0;
    while let Some((line, end)) = FieldLine::read(block, start) {
        fields.note(&line, block);
        start = end + if block[end] == b'\r' { 2 } else { 1 };
    }
    fields.attach(Bytes::from_static(block));
    fields.append(FieldName::Via, "v");
    fields.append(FieldName::Date, "now");
    fields.append(FieldName::Link, "");
    assert_eq!(fields.block(), &block[..]);
    assert_eq!(
        written(&fields, FieldNames::NONE),
        "A: 1\r\nHost: a\r\nB: 2\r\nc: 3\r\nD: \r\nE: 5\r\nF: 6\r\nAge: 7\r\nG: 8\r\nVia: v\r\nDate: now\r\nLink: \r\n"
    );
    assert_eq!(written(&fields, FieldNames::NONE).len(), fields.wire_len());
    let names = FieldNames::of(&[FieldName::Age, FieldName::Date, FieldName::Host]);
    let left = "A: 1\r\nB: 2\r\nc: 3\r\nD: \r\nE: 5\r\nF: 6\r\nG: 8\r\nVia: v\r\nLink: \r\n";
    assert_eq!(written(&fields, names), left);
    fields.remove_all(names);
    assert_eq!(written(&fields, FieldNames::NONE), left);
    assert_eq!(written(&Fields::new(), FieldNames::NONE), "");
}

fn written(fields: &Fields, left_out: FieldNames) -> String {
    let mut out = Vec::new();
    fields.put_lines(left_out, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_line_that_is_not_complete_or_no_field_is_not_read() {
    let text = b"..Name:\t a b \r\n";
    let (line, end) = FieldLine::read(text, 2).unwrap();
    assert_eq!(
        (&text[line.spelling], &text[line.value], end),
        (&b"Name"[..], &b"a b"[..], 13)
    );
    for short in 0..13 {
        assert_eq!(FieldLine::read(&text[..short], 2), None);
    }
    for other in [
        "",
        "\r\n",
        "a\r\n",
        "a b: c\r\n",
        ": a\r\n",
        " a: b\r\n",
        "a\r\nb: c\r\n",
    ] {
        assert_eq!(FieldLine::read(other.as_bytes(), 0), None, "{other:?}");
    }
    assert_eq!(FieldLine::read(b"a: b\x7fc\r\n", 0).unwrap().1, 4);
}
