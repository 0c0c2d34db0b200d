//! What can be wrong with the reference front end.

use crate::reference::fault::faults;

faults! {
    /// A fault, of those that real front ends have or had.
    pub Fault {
        /// STDIN has no end.
        NoStdinEnd: FastCgi, "GC-01";
        /// PARAMS is cut without regard to pairs.
        PairsCut: FastCgi, "GC-02";
        /// Empty records are padded.
        EmptyRecordsPadded: FastCgi, "GC-02";
        /// A variable that is longer than a record is cut in two.
        LongPairsCut: FastCgi, "GC-04";
        /// A body longer than a record is sent as one record.
        BodyInOneRecord: FastCgi, "GC-05";
        /// A body in chunks has a CONTENT_LENGTH of -1, as with Caddy.
        LengthMinusOne: FastCgi, "GC-06";
        /// The transfer coding of the client is passed on, as with nginx.
        CodingPassed: FastCgi, "GC-06";
        /// A body of no bytes has no CONTENT_LENGTH.
        NoLengthForEmpty: FastCgi, "GC-07";
        /// The body of a GET is left on the connection.
        GetBodyLeft: FastCgi, "GC-08";
        /// An upload that the client has left is sent on as if it were whole.
        AbortedUploadSent: FastCgi, "GC-09";
        /// Names with underscores become variables, as with Caddy.
        UnderscoresPassed: FastCgi, "GC-10";
        /// Several cookies are joined with commas, as with Apache.
        CookiesJoinedWithCommas: FastCgi, "GC-11";
        /// Several fields of one name become several variables, as with nginx.
        TwoVariables: FastCgi, "GC-12";
        /// The client waits for 100 in vain.
        No100: FastCgi, "GC-13";
        /// Dot segments are passed on, as with Caddy.
        DotsKept: FastCgi, "GC-14";
        /// REQUEST_URI has the absolute form of the target, as with Apache.
        AbsoluteTargetKept: FastCgi, "GC-15";
        /// Without a query there is no QUERY_STRING.
        NoQueryString: FastCgi, "GC-16";
        /// Credentials that nobody checked make a REMOTE_USER, as with nginx.
        UserFromCredentials: FastCgi, "GC-17";
        /// The id is larger than it need be.
        LargeId: FastCgi, "GC-18";
        /// An upgrade is offered to the application.
        UpgradePassed: FastCgi, "GC-19";
        /// The head of an answer is expected in one record.
        HeadInOneRecord: FastCgi, "GC-22";
        /// An answer without the empty STDOUT record is an error.
        StdoutEndNeeded: FastCgi, "GC-23";
        /// Padding is taken for content.
        PaddingAsContent: FastCgi, "GC-24";
        /// Content and padding are added in 16 bits.
        SumIn16Bits: FastCgi, "GC-25";
        /// A pause in the body is its end.
        HastyBody: FastCgi, "GC-26";
        /// STDERR is passed on to the client.
        StderrRelayed: FastCgi, "GC-27";
        /// An appStatus other than 0 spoils the answer.
        AppStatusFatal: FastCgi, "GC-30";
        /// The head must have CR LF.
        CrLfNeeded: FastCgi, "GC-31";
        /// No output is an empty page, as with Apache.
        NothingIs200: FastCgi, "GC-34";
        /// An END_REQUEST without its bytes ends the answer, as with nginx, Caddy, lighttpd and Apache.
        ShortEndIsEnd: FastCgi, "GC-37b";
        /// What has come of a record is passed on as the end of the answer, as with nginx.
        CutRecordIsWhole: FastCgi, "GC-40";
        /// The end of the connection is the end of the answer, as with nginx, Caddy and lighttpd.
        CloseIsEnd: FastCgi, "GC-41";
        /// The Content-Length of the application is forgotten, as with Apache.
        LengthForgotten: FastCgi, "GC-42";
        /// Output of another id is passed on, as with Caddy and lighttpd.
        ForeignOutput: FastCgi, "GC-46";
        /// END_REQUEST of another id ends the answer, as with Caddy and lighttpd.
        ForeignEnd: FastCgi, "GC-47";
        /// Answers with id 0 are passed on, as with Caddy and lighttpd.
        Id0Accepted: FastCgi, "GC-48";
        /// Records of every version are read, as with lighttpd and HAProxy.
        AnyVersion: FastCgi, "GC-49";
        /// The content of unknown records is passed on, as with Caddy.
        UnknownRelayed: FastCgi, "GC-50";
        /// A management record is an error, as with nginx.
        ManagementFatal: FastCgi, "GC-51";
        /// Output behind END_REQUEST is passed on.
        OutputBehindEnd: FastCgi, "GC-53";
        /// Whatever follows END_REQUEST is passed on.
        GarbageBehindEnd: FastCgi, "GC-54";
        /// Output behind the empty STDOUT record is passed on, as with nginx.
        LateOutputAppended: FastCgi, "GC-55";
        /// The empty STDOUT record ends the answer, and output behind it follows the last chunk, as with Apache.
        OutputBehindLastChunk: FastCgi, "GC-55";
        /// Output without a head is a page, as with Apache.
        TextIsBody: FastCgi, "GC-58";
        /// Status is ignored.
        StatusIgnored: FastCgi, "GC-59";
        /// Every Status is passed on, as with nginx.
        AnyStatus: FastCgi, "GC-60";
        /// The last Status counts, as with lighttpd.
        LastStatusCounts: FastCgi, "GC-61";
        /// An interim Status is passed on, as with nginx and Apache.
        InterimRelayed: FastCgi, "GC-62";
        /// Answers of 204 and 304 keep their bodies.
        BodyOf204: FastCgi, "GC-63";
        /// An answer of 204 keeps its Content-Length, as with nginx.
        LengthOf204: FastCgi, "GC-63";
        /// A Location without Status is 200, as with Caddy and Apache.
        LocationIs200: FastCgi, "GC-64";
        /// A Location is 302 in any case, as with HAProxy.
        LocationAlways302: FastCgi, "GC-66";
        /// A status line is taken for a head, as with lighttpd.
        NphAccepted: FastCgi, "GC-67";
        /// A folded line is dropped, as with lighttpd.
        FoldedLinesDropped: FastCgi, "GC-68";
        /// Lines that are no fields are passed on, as with HAProxy.
        BadLinesRelayed: FastCgi, "GC-69";
        /// Controls in values are passed on, as with Caddy and lighttpd.
        ControlsRelayed: FastCgi, "GC-70";
        /// A Content-Length is passed on as it is, as with lighttpd.
        AnyLengthRelayed: FastCgi, "GC-72";
        /// A transfer coding of the application is passed on.
        CodingRelayed: FastCgi, "GC-73b";
        /// Fields about the application's connection are passed on, as with lighttpd.
        HopFieldsRelayed: FastCgi, "GC-74";
        /// Several Set-Cookie become one.
        SetCookiesJoined: FastCgi, "GC-75";
        /// Two Content-Type are passed on.
        TwoTypesRelayed: FastCgi, "GC-76";
        /// The answer is read when everything is written, as with nginx.
        WritesBeforeReading: FastCgi, "GC-79";
        /// An application that does not answer is waited for without end.
        NeverGivesUp: FastCgi, "GC-80";
        /// The time limit begins anew with every byte.
        TimeBetweenReads: FastCgi, "GC-81";
        /// An application that closes is asked again and again.
        EndlessRetries: FastCgi, "GC-82";
        /// A kept connection that has ended is an error.
        StaleIsFatal: FastCgi, "GC-83";
        /// A kept connection is used again with bytes behind its answer.
        SurplusForgotten: FastCgi, "GX-05";
        /// What has come on a kept connection is the next answer.
        UnaskedAnswerTaken: FastCgi, "GX-06";
        /// A POST is sent again when its connection ends.
        PostsRepeated: FastCgi, "GX-02";
        /// Nobody looks whether the client is still there.
        LeavingIgnored: FastCgi, "GC-84";
        /// When the client leaves, ABORT_REQUEST is sent.
        AbortSent: FastCgi, "GC-84";
        /// The head of an answer has no limit.
        EndlessHead: FastCgi, "GC-86";

        /// Another modifier is sent.
        OtherModifier: Uwsgi, "GU-01";
        /// The size of the block is written with its big end first.
        SizeBigEndian: Uwsgi, "GU-01";
        /// The size of a block that is too long is cut to 16 bits.
        SizeWraps: Uwsgi, "GU-02";
        /// The version in the status line is passed on.
        VersionRelayed: Uwsgi, "GU-03";
        /// A status line needs a reason.
        ReasonNeeded: Uwsgi, "GU-06";
        /// An interim head is the answer, and the next its body, as with nginx and Apache.
        InterimIsFinal: Uwsgi, "GU-08";
        /// An upgrade that nobody asked for is passed on, as with nginx and Apache.
        SwitchingRelayed: Uwsgi, "GU-10";
        /// More than the announced length is passed on, as with Apache.
        OverrunRelayed: Uwsgi, "GU-13";
        /// Two different Content-Length are passed on, as with Apache.
        TwoLengthsRelayed: Uwsgi, "GU-14";
        /// The end of the connection is waited for in any case, as with Apache.
        WaitsForClose: Uwsgi, "GU-15";
        /// An application that does not read everything counts as broken.
        WriteErrorFatal: Uwsgi, "GU-27";
        /// Chunks of the application are wrapped in chunks, as with nginx and Apache.
        ChunksInChunks: Uwsgi, "GU-17";
        /// The field Status is passed on, as with nginx and Apache.
        StatusRelayed: Uwsgi, "GU-24";

        /// CONTENT_LENGTH is not the first header.
        LengthNotFirst: Scgi, "EV-30";
        /// The header SCGI is missing.
        NoMarker: Scgi, "EV-30";
        /// The length of the headers counts the comma.
        CommaCounted: Scgi, "EV-30";

        /// Content-Length counts beside Transfer-Encoding.
        LengthBeatsCoding: Scgi, "GH-01";
        /// Of several transfer codings the first counts.
        FirstCodingCounts: Scgi, "GH-02";
        /// Every coding that contains the word is chunked.
        AnyChunked: Scgi, "GH-03";
        /// An unknown transfer coding is ignored.
        UnknownCodingIgnored: Scgi, "GH-03";
        /// A transfer coding in HTTP/1.0 is ignored.
        CodingIgnoredInHttp10: Scgi, "GH-04";
        /// Content-Length is read as C's atol does.
        LengthAsInC: Scgi, "GH-05";
        /// Of several Content-Length the last counts.
        LastLengthCounts: Scgi, "GH-05";
        /// A chunk size is read as C's strtol does.
        ChunkSizeAsInC: Scgi, "GH-06";
        /// A line in chunks may end with LF alone.
        BareLfInChunks: Scgi, "GH-06c";
        /// Chunk extensions have no limit.
        EndlessExtensions: Scgi, "GH-06d";
        /// What stands behind a chunk is not looked at.
        ChunkEndUnchecked: Scgi, "GH-07";
        /// Chunks without the last one are a body.
        CutChunksSent: Scgi, "GH-08";
        /// Trailers become fields.
        TrailersMerged: Scgi, "GH-09";
        /// A folded line is a field of its own.
        FoldedLinesAreFields: Scgi, "GH-10";
        /// White space before the colon is removed.
        SpaceBeforeColon: Scgi, "GH-11";
        /// A CR alone is a sign like others.
        BareCrPassed: Scgi, "GH-12";
        /// A line that ends with LF alone does not end.
        BareLfIgnored: Scgi, "GH-12b";
        /// Controls are signs like others.
        ControlsPassed: Scgi, "GH-13";
        /// Of several Host the first counts.
        FirstHostCounts: Scgi, "GH-14";
        /// Every Host is taken.
        AnyHost: Scgi, "GH-14";
        /// The field Host goes before the host of the target.
        FieldHostWins: Scgi, "GH-15";
        /// Connection can name away every field.
        ConnectionRemovesAll: Scgi, "GH-16";
        /// Expect is passed on, as with Apache.
        ExpectPassed: Scgi, "EV-28";
        /// An expectation that cannot be met is an error of the server.
        ExpectationIs500: Scgi, "GH-17";
        /// The answer to HEAD has a body.
        BodyOfHead: Scgi, "GH-18";
        /// A body that was refused is read as the next request.
        KeepsAfterRefusal: Scgi, "GH-19";
        /// What follows a request that was refused is read as the next one.
        KeepsAfterGarbage: Scgi, "GH-01";
        /// The head of a request has no limit.
        EndlessRequestHead: Scgi, "GH-26";
        /// The head of a client may take any time.
        NoHeadTimeout: Scgi, "GH-27";
        /// The time limit of a client's head begins anew with every byte.
        HeadTimeBetweenReads: Scgi, "GH-27c";
        /// The body of a client may take any time.
        NoBodyTimeout: Scgi, "GH-27b";
        /// A client that has ended its direction counts as gone.
        HalfCloseIsLeaving: Scgi, "GH-28";
        /// OPTIONS * is passed on as a question about the root.
        StarIsRoot: Scgi, "GH-30";
        /// A target without a slash gets one.
        OddTargetsPassed: Scgi, "GH-30c";
        /// CONNECT is passed on.
        ConnectPassed: Scgi, "GH-30b";

        /// LF alone is a sign of a value like others.
        LfInValues: Scgi, "GH-31";
        /// A target with a sign that no URI has is refused, as with Apache.
        OddSignsRefused: Scgi, "GH-32";
        /// A fragment is passed on as a part of the target.
        FragmentsPassed: Scgi, "GH-32b";
        /// Labels of a Host may be empty, and ports may have any number.
        EmptyLabelsTaken: Scgi, "GH-33b";
        /// The dot of the root is refused.
        RootDotRefused: Scgi, "GH-33c";
        /// Every field that is there twice is joined.
        SingletonsJoined: Scgi, "GH-34";
        /// The head of the PROXY protocol is read from every client.
        ProxyLineTaken: Scgi, "GH-35";
        /// An empty line before a request is refused.
        EmptyLineRefused: Scgi, "GH-36";
        /// What stands between the first and the last blank is the target.
        BlanksInTargets: Scgi, "GH-36b";
        /// Field names of answers are put into lower case.
        AnswerNamesLowered: Scgi, "GH-37";
        /// Chunk extensions are refused.
        ExtensionsRefused: Scgi, "GH-38";
        /// Whatever stands behind the digits of a chunk size is an extension.
        AnyExtension: Scgi, "GH-38b";
        /// Trailers are skipped up to the first empty line with CR LF.
        TrailersSkipped: Scgi, "GH-39";
        /// Trailers have no limit.
        EndlessTrailers: Scgi, "GH-39c";
        /// The connection goes on behind Connection: close.
        CloseIgnored: Scgi, "GH-41";
        /// What has come behind a request is thrown away.
        PipelinedDropped: Scgi, "GH-42";
        /// A head must come in one segment.
        HeadInOneRead: Scgi, "GH-42b";
        /// A connection is closed with what the client still sends unread.
        ClosesAtOnce: Scgi, "GH-44";
        /// 100 is sent before anything is looked at.
        Eager100: Scgi, "GH-44c";
        /// Clients of HTTP/1.0 get chunks.
        ChunksForOld: Scgi, "GH-45";
        /// An answer has the version of the request.
        VersionMirrored: Scgi, "GH-45b";

        /// An absolute target without a path gets no slash.
        NoSlashAdded: Scgi, "GH-15c";
        /// TRACE is passed on.
        TracePassed: Scgi, "GH-30d";
        /// An answer of the front end's own does not say that the connection ends with it.
        CloseUnsaid: Scgi, "GH-44d";
        /// Fields for the length are passed on as they are when they agree.
        EqualLengthsRelayed: Scgi, "GH-46";
        /// Of several lengths of an answer the first counts.
        FirstLengthCounts: Scgi, "GH-46b";
        /// The name of a transfer coding is dropped, and what is coded is passed on as content.
        CodingDropped: Scgi, "GH-47";
        /// Fields of an answer that may be there once are passed on twice.
        SingletonsRelayed: Scgi, "GH-48";
        /// A status above 599 is 200.
        HighStatusIs200: Scgi, "GH-49";
        /// An answer without a Date gets none.
        NoDateAdded: Scgi, "GH-50";
        /// X-Accel-Redirect and its like are passed on.
        InnerFieldsRelayed: Scgi, "GH-51";
        /// A request that was answered with an error is sent again.
        ErrorsRetried: Scgi, "GH-52";
        /// A host is compared byte by byte.
        HostsByBytes: Scgi, "GH-54";
        /// A host is what begins like it.
        HostsByPrefix: Scgi, "GH-54b";

        /// Several slashes of a target become one.
        SlashesMerged: Http, "GB-09";
        /// The path that is meant is sent in the place of the one that came.
        NormalTargetSent: Http, "GB-09b";
        /// An answer of HTTP/1.0 is passed on as one.
        OldVersionRelayed: Http, "GB-19";
        /// The trailers of an answer are passed on as content.
        TrailersAreContent: Http, "GB-28";
        /// An answer with more than 8 kB of trailers is cut off.
        LongTrailersFatal: Http, "GB-28b";
        /// Field names are put into lower case.
        NamesLowered: Http, "GB-01";
        /// A request without a Host is passed on without one.
        NoHostAdded: Http, "GB-04";
        /// Interim answers are kept from the client.
        InterimDropped: Http, "GB-10";
        /// Interim answers are passed on to clients of HTTP/1.0.
        InterimToOld: Http, "GB-10c";
        /// Interim answers have no limit.
        EndlessInterim: Http, "GB-10d";
        /// A tunnel ends when one side ends its direction.
        TunnelEndsAtOnce: Http, "GB-11";
        /// A switch to any protocol is passed on.
        AnySwitch: Http, "GB-11c";
        /// Upgrade is removed from every answer.
        UpgradeOf426Dropped: Http, "GB-12";
        /// Of an answer Content-Length counts beside Transfer-Encoding.
        AnswerLengthBeatsCoding: Http, "GB-15";
        /// Every coding of an answer is taken for chunked.
        AnyAnswerCoding: Http, "GB-16";
        /// A coding in an answer of HTTP/1.0 is ignored.
        OldCodingIgnored: Http, "GB-16b";
        /// Chunks without the last one are a whole answer.
        CutAnswerRelayed: Http, "GB-22";
        /// An answer must announce its end.
        LengthNeeded: Http, "GB-25";
        /// No connection is kept.
        NothingKept: Http, "GB-30";
        /// A connection is used again behind Connection: close.
        CloseForgotten: Http, "GB-31";

        /// Proxy becomes HTTP_PROXY, as with nginx and Caddy.
        ProxyPassed: Scgi, "EV-01";
        /// Signs that are no letters become underscores, as with lighttpd.
        OddNamesPassed: Scgi, "EV-04";
        /// The path is decoded twice.
        PathDecodedTwice: Scgi, "EV-07";
        /// Encoded slashes are decoded, in REQUEST_URI as well.
        SlashDecoded: Scgi, "EV-08";
        /// An encoded NUL is decoded, as with HAProxy.
        NulDecoded: Scgi, "EV-09";
        /// Dot segments lead out of the root.
        DotsLeadOut: Scgi, "EV-10b";
        /// Bytes of the path are taken for Latin-1, and sent as UTF-8.
        PathRecoded: Scgi, "EV-11";
        /// A percent sign without two digits is left out.
        PercentRepaired: Scgi, "EV-12";
        /// QUERY_STRING is decoded.
        QueryDecoded: Scgi, "EV-13";
        /// A body without a type gets one, as with Caddy.
        DefaultType: Scgi, "EV-18b";
        /// Length and type have second variables with HTTP_, as with nginx.
        HttpLengthPassed: Scgi, "EV-19";
        /// The port of Host is SERVER_PORT.
        PortFromHost: Scgi, "EV-20b";
        /// REQUEST_URI is decoded.
        UriDecoded: Scgi, "EV-21";
        /// SERVER_PROTOCOL is always HTTP/1.1.
        ProtocolFixed: Scgi, "EV-22";
        /// The method is put into capitals.
        MethodUppercased: Scgi, "EV-23";
        /// REMOTE_ADDR is what the client says.
        AddressFromField: Scgi, "EV-24";
        /// Forwarding fields of anybody are passed on.
        ForwardedPassed: Scgi, "EV-25";
        /// HTTPS is what the client says.
        HttpsFromField: Scgi, "EV-26";
        /// Fields about the client's connection are passed on.
        HopFieldsPassed: Scgi, "EV-28";
        /// Without a Host there is no SERVER_NAME.
        NoNameWithoutHost: Scgi, "EV-20d";
        /// An empty member of X-Forwarded-For is an address.
        EmptyMembersCount: Scgi, "EV-40";
        /// The whole of X-Forwarded-Proto is compared with https.
        WholeProtoCompared: Scgi, "EV-41";
        /// SERVER_PORT is that of the proxy's connection.
        PortStays: Scgi, "EV-42";
        /// Forwarding fields of proxies are dropped.
        TrustedFieldsDropped: Scgi, "EV-43";
        /// Fields become variables without HTTP_.
        NamesWithoutPrefix: Scgi, "EV-30";
    }
}
