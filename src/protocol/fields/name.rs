//! Field names that the gateway knows: recognised once, while a message is parsed.

use super::scan;

macro_rules! names {
    ($($variant:ident = $text:literal / $variable:literal,)*) => {
        /// A field name that the gateway has a rule for, or meets in most messages.
        ///
        /// Names are compared without regard to case (RFC 9110, section 5.1). The spelling of a message is kept
        /// beside it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[allow(missing_docs)] // each is the name that it spells
        pub enum FieldName {
            $($variant,)*
            /// Any name that is not in the list.
            Other,
        }

        const NAMES: &[(FieldName, &str, &str)] = &[$((FieldName::$variant, $text, $variable),)*];
    };
}

names! {
    Accept = "Accept" / "HTTP_ACCEPT",
    AcceptCharset = "Accept-Charset" / "HTTP_ACCEPT_CHARSET",
    AcceptEncoding = "Accept-Encoding" / "HTTP_ACCEPT_ENCODING",
    AcceptLanguage = "Accept-Language" / "HTTP_ACCEPT_LANGUAGE",
    AcceptRanges = "Accept-Ranges" / "HTTP_ACCEPT_RANGES",
    AccessControlAllowOrigin = "Access-Control-Allow-Origin" / "HTTP_ACCESS_CONTROL_ALLOW_ORIGIN",
    Age = "Age" / "HTTP_AGE",
    Allow = "Allow" / "HTTP_ALLOW",
    Authorization = "Authorization" / "HTTP_AUTHORIZATION",
    BridgeheadError = "Bridgehead-Error" / "HTTP_BRIDGEHEAD_ERROR",
    CacheControl = "Cache-Control" / "HTTP_CACHE_CONTROL",
    Connection = "Connection" / "HTTP_CONNECTION",
    ContentDisposition = "Content-Disposition" / "HTTP_CONTENT_DISPOSITION",
    ContentEncoding = "Content-Encoding" / "HTTP_CONTENT_ENCODING",
    ContentLanguage = "Content-Language" / "HTTP_CONTENT_LANGUAGE",
    ContentLength = "Content-Length" / "HTTP_CONTENT_LENGTH",
    ContentLocation = "Content-Location" / "HTTP_CONTENT_LOCATION",
    ContentRange = "Content-Range" / "HTTP_CONTENT_RANGE",
    ContentSecurityPolicy = "Content-Security-Policy" / "HTTP_CONTENT_SECURITY_POLICY",
    ContentType = "Content-Type" / "HTTP_CONTENT_TYPE",
    Cookie = "Cookie" / "HTTP_COOKIE",
    Date = "Date" / "HTTP_DATE",
    Dnt = "DNT" / "HTTP_DNT",
    Etag = "ETag" / "HTTP_ETAG",
    Expect = "Expect" / "HTTP_EXPECT",
    Expires = "Expires" / "HTTP_EXPIRES",
    Forwarded = "Forwarded" / "HTTP_FORWARDED",
    From = "From" / "HTTP_FROM",
    FrontEndHttps = "Front-End-Https" / "HTTP_FRONT_END_HTTPS",
    Host = "Host" / "HTTP_HOST",
    Http2Settings = "HTTP2-Settings" / "HTTP_HTTP2_SETTINGS",
    IfMatch = "If-Match" / "HTTP_IF_MATCH",
    IfModifiedSince = "If-Modified-Since" / "HTTP_IF_MODIFIED_SINCE",
    IfNoneMatch = "If-None-Match" / "HTTP_IF_NONE_MATCH",
    IfRange = "If-Range" / "HTTP_IF_RANGE",
    IfUnmodifiedSince = "If-Unmodified-Since" / "HTTP_IF_UNMODIFIED_SINCE",
    KeepAlive = "Keep-Alive" / "HTTP_KEEP_ALIVE",
    LastModified = "Last-Modified" / "HTTP_LAST_MODIFIED",
    Link = "Link" / "HTTP_LINK",
    Location = "Location" / "HTTP_LOCATION",
    MaxForwards = "Max-Forwards" / "HTTP_MAX_FORWARDS",
    Origin = "Origin" / "HTTP_ORIGIN",
    Pragma = "Pragma" / "HTTP_PRAGMA",
    Priority = "Priority" / "HTTP_PRIORITY",
    Proxy = "Proxy" / "HTTP_PROXY",
    ProxyAuthenticate = "Proxy-Authenticate" / "HTTP_PROXY_AUTHENTICATE",
    ProxyAuthorization = "Proxy-Authorization" / "HTTP_PROXY_AUTHORIZATION",
    ProxyConnection = "Proxy-Connection" / "HTTP_PROXY_CONNECTION",
    Range = "Range" / "HTTP_RANGE",
    Referer = "Referer" / "HTTP_REFERER",
    ReferrerPolicy = "Referrer-Policy" / "HTTP_REFERRER_POLICY",
    RetryAfter = "Retry-After" / "HTTP_RETRY_AFTER",
    SecChUa = "Sec-CH-UA" / "HTTP_SEC_CH_UA",
    SecChUaMobile = "Sec-CH-UA-Mobile" / "HTTP_SEC_CH_UA_MOBILE",
    SecChUaPlatform = "Sec-CH-UA-Platform" / "HTTP_SEC_CH_UA_PLATFORM",
    SecFetchDest = "Sec-Fetch-Dest" / "HTTP_SEC_FETCH_DEST",
    SecFetchMode = "Sec-Fetch-Mode" / "HTTP_SEC_FETCH_MODE",
    SecFetchSite = "Sec-Fetch-Site" / "HTTP_SEC_FETCH_SITE",
    SecFetchUser = "Sec-Fetch-User" / "HTTP_SEC_FETCH_USER",
    SecWebsocketAccept = "Sec-WebSocket-Accept" / "HTTP_SEC_WEBSOCKET_ACCEPT",
    SecWebsocketExtensions = "Sec-WebSocket-Extensions" / "HTTP_SEC_WEBSOCKET_EXTENSIONS",
    SecWebsocketKey = "Sec-WebSocket-Key" / "HTTP_SEC_WEBSOCKET_KEY",
    SecWebsocketProtocol = "Sec-WebSocket-Protocol" / "HTTP_SEC_WEBSOCKET_PROTOCOL",
    SecWebsocketVersion = "Sec-WebSocket-Version" / "HTTP_SEC_WEBSOCKET_VERSION",
    Server = "Server" / "HTTP_SERVER",
    SetCookie = "Set-Cookie" / "HTTP_SET_COOKIE",
    Status = "Status" / "HTTP_STATUS",
    StrictTransportSecurity = "Strict-Transport-Security" / "HTTP_STRICT_TRANSPORT_SECURITY",
    Te = "TE" / "HTTP_TE",
    Trailer = "Trailer" / "HTTP_TRAILER",
    TransferEncoding = "Transfer-Encoding" / "HTTP_TRANSFER_ENCODING",
    Upgrade = "Upgrade" / "HTTP_UPGRADE",
    UpgradeInsecureRequests = "Upgrade-Insecure-Requests" / "HTTP_UPGRADE_INSECURE_REQUESTS",
    UserAgent = "User-Agent" / "HTTP_USER_AGENT",
    Vary = "Vary" / "HTTP_VARY",
    Via = "Via" / "HTTP_VIA",
    WwwAuthenticate = "WWW-Authenticate" / "HTTP_WWW_AUTHENTICATE",
    XAccelBuffering = "X-Accel-Buffering" / "HTTP_X_ACCEL_BUFFERING",
    XAccelCharset = "X-Accel-Charset" / "HTTP_X_ACCEL_CHARSET",
    XAccelExpires = "X-Accel-Expires" / "HTTP_X_ACCEL_EXPIRES",
    XAccelLimitRate = "X-Accel-Limit-Rate" / "HTTP_X_ACCEL_LIMIT_RATE",
    XAccelRedirect = "X-Accel-Redirect" / "HTTP_X_ACCEL_REDIRECT",
    XContentTypeOptions = "X-Content-Type-Options" / "HTTP_X_CONTENT_TYPE_OPTIONS",
    XForwardedFor = "X-Forwarded-For" / "HTTP_X_FORWARDED_FOR",
    XForwardedHost = "X-Forwarded-Host" / "HTTP_X_FORWARDED_HOST",
    XForwardedProto = "X-Forwarded-Proto" / "HTTP_X_FORWARDED_PROTO",
    XFrameOptions = "X-Frame-Options" / "HTTP_X_FRAME_OPTIONS",
    XLighttpdSendFile = "X-LIGHTTPD-send-file" / "HTTP_X_LIGHTTPD_SEND_FILE",
    XPoweredBy = "X-Powered-By" / "HTTP_X_POWERED_BY",
    XRealIp = "X-Real-IP" / "HTTP_X_REAL_IP",
    XRequestedWith = "X-Requested-With" / "HTTP_X_REQUESTED_WITH",
    XSendfile = "X-Sendfile" / "HTTP_X_SENDFILE",
}

impl FieldName {
    /// The name that `text` spells, in any case. `Other` says nothing about whether `text` is a token.
    #[inline]
    pub fn of(text: &[u8]) -> Self {
        let Some(slot) = slot(text) else {
            return Self::Other;
        };
        let index = usize::from(SLOTS[slot]);
        match NAMES.get(index) {
            Some((name, known, _)) if is_spelled(known.as_bytes(), text) => *name,
            _ => Self::Other,
        }
    }

    /// The usual spelling, `Content-Type`; empty for `Other`.
    pub fn as_str(self) -> &'static str {
        NAMES.get(self as usize).map_or("", |(_, text, _)| text)
    }

    /// The variable that a request field becomes (RFC 3875, section 4.1.18), `HTTP_CONTENT_TYPE`; empty for `Other`.
    #[inline]
    pub fn variable(self) -> &'static str {
        NAMES.get(self as usize).map_or("", |(_, _, variable)| variable)
    }
}

/// A set of names that the gateway knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldNames([u64; 2]);

impl FieldNames {
    /// No name.
    pub const NONE: Self = Self([0; 2]);

    /// These names; `Other` is in no set.
    pub const fn of(names: &[FieldName]) -> Self {
        let mut set = Self::NONE;
        let mut index = 0;
        while index < names.len() {
            set = set.with(names[index]);
            index += 1;
        }
        set
    }

    /// The set with one name more.
    #[inline]
    pub const fn with(mut self, name: FieldName) -> Self {
        let index = name as usize;
        if index < NAMES.len() {
            self.0[index / 64] |= 1 << (index % 64);
        }
        self
    }

    /// The set without a name.
    pub const fn without(self, name: FieldName) -> Self {
        self.and(Self::NONE.with(name).complement())
    }

    /// What is in both sets.
    #[inline]
    pub const fn and(self, other: Self) -> Self {
        Self([self.0[0] & other.0[0], self.0[1] & other.0[1]])
    }

    /// The names that are not in the set.
    #[inline]
    pub const fn complement(self) -> Self {
        const ALL: u128 = (1 << NAMES.len()) - 1;
        Self([!self.0[0] & ALL as u64, !self.0[1] & (ALL >> 64) as u64])
    }

    /// What is in either set.
    #[inline]
    pub const fn or(self, other: Self) -> Self {
        Self([self.0[0] | other.0[0], self.0[1] | other.0[1]])
    }

    /// Whether a name is in the set.
    #[inline]
    pub const fn contains(self, name: FieldName) -> bool {
        let index = name as usize;
        self.0[index / 64] >> (index % 64) & 1 == 1
    }

    /// Whether no name is in the set.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0[0] | self.0[1] == 0
    }

    /// One of the names.
    pub fn any(self) -> Option<FieldName> {
        let index = match self.0 {
            [0, high] => 64 + high.trailing_zeros(),
            [low, _] => low.trailing_zeros(),
        };
        NAMES.get(index as usize).map(|(name, ..)| *name)
    }
}

/// Whether `text` spells a name of the list, in any case. Eight bytes at a time: every field of every message is
/// compared here once.
#[inline]
fn is_spelled(known: &[u8], text: &[u8]) -> bool {
    if known.len() != text.len() {
        return false;
    }
    let whole = known.len() / 8 * 8;
    let rest = difference(scan::word(&known[whole..]), scan::word(&text[whole..]));
    let words = known.as_chunks().0.iter().zip(text.as_chunks().0);
    words.fold(rest, |found, (known, text)| {
        found | difference(u64::from_le_bytes(*known), u64::from_le_bytes(*text))
    }) == 0
}

/// Where bytes differ in more than the case of a letter. The names of the list hold letters, digits and hyphens; of
/// these, letters alone have the bit 0x40.
#[inline]
fn difference(known: u64, text: u64) -> u64 {
    (known ^ text) & !((known & 0x4040_4040_4040_4040) >> 1)
}

/// Where in the table a name would be: length, first and the last two letters, mixed so that no two names meet.
const fn slot(text: &[u8]) -> Option<usize> {
    let length = text.len();
    if length < SHORTEST || length > LONGEST {
        return None;
    }
    let letters = [
        length as u8,
        text[0] | 0x20,
        text[length - 2] | 0x20,
        text[length - 1] | 0x20,
    ];
    Some((u32::from_le_bytes(letters).wrapping_mul(MIX) >> 24) as usize)
}

/// Found by trial; the table below does not compile when two names meet.
const MIX: u32 = 0xec42_8908;

/// Letters of the shortest name.
const SHORTEST: usize = 2;

/// Letters of the longest name.
const LONGEST: usize = 27;

/// No name is at this place.
const VACANT: u8 = u8::MAX;

/// The index of the one name that may be at each place.
const SLOTS: [u8; 256] = {
    assert!(NAMES.len() < 128, "a set has 128 bits");
    let mut slots = [VACANT; 256];
    let mut index = 0;
    while index < NAMES.len() {
        match slot(NAMES[index].1.as_bytes()) {
            Some(slot) => {
                assert!(slots[slot] == VACANT, "two names meet: choose another MIX");
                slots[slot] = index as u8;
            }
            None => panic!("SHORTEST is too long, or LONGEST too short"),
        }
        index += 1;
    }
    slots
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_recognised_in_any_case() {
        for (name, text, variable) in NAMES {
            for spelling in [(*text).to_owned(), text.to_lowercase(), text.to_uppercase()] {
                assert_eq!(FieldName::of(spelling.as_bytes()), *name, "{spelling}");
            }
            assert_eq!(name.as_str(), *text);
            assert_eq!(
                *variable,
                format!("HTTP_{}", text.to_uppercase().replace('-', "_"))
            );
        }
    }

    #[test]
    fn a_name_with_any_other_byte_is_another_name() {
        for (name, text, _) in NAMES {
            assert!(
                text.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            );
            for at in 0..text.len() {
                for byte in 0..=u8::MAX {
                    let mut spelling = text.as_bytes().to_vec();
                    spelling[at] = byte;
                    let same = spelling.eq_ignore_ascii_case(text.as_bytes());
                    assert_eq!(
                        FieldName::of(&spelling) == *name,
                        same,
                        "{}",
                        spelling.escape_ascii()
                    );
                }
            }
        }
    }

    #[test]
    fn other_names_are_not_mistaken_for_known_ones() {
        for text in [
            "",
            "Hosts",
            "Hos",
            "X-Other",
            "Content_Type",
            "Accept\r",
            "\u{e9}",
            &"x".repeat(70_000),
        ] {
            assert_eq!(FieldName::of(text.as_bytes()), FieldName::Other, "{text:?}");
        }
    }

    #[test]
    fn a_name_that_is_not_well_known_is_in_no_set() {
        for set in [
            FieldNames::NONE.with(FieldName::Other),
            FieldNames::NONE.complement(),
        ] {
            assert!(!set.contains(FieldName::Other));
        }
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        let set = FieldNames::of(&[FieldName::Host, FieldName::Te]);
        assert!(
            set.contains(FieldName::Host) && !set.contains(FieldName::Age) && !set.contains(FieldName::Other)
        );
        assert_eq!(set.without(FieldName::Host).any(), Some(FieldName::Te));
        assert!(set.and(FieldNames::of(&[FieldName::Age])).is_empty());
    }
}
