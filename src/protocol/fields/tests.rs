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
    let mut fields: Fields = [("Content-Type", "text/plain"), ("X-Own", "1")].into_iter().collect();
    let before = fields.clone();
    fields.share();
    assert_eq!(fields, before);
    let mut copy = fields.clone();
    copy.set(FieldName::ContentType, "text/html");
    assert_eq!(copy, Fields::from_iter([("X-Own", "1"), ("Content-Type", "text/html")]));
    assert_eq!(fields, before);
}
