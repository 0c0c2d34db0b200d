//! What can be wrong with the reference application.

use crate::reference::fault::faults;

faults! {
    /// A fault, of those that real servers have or had.
    pub Fault {
        /// PATH_INFO is lost.
        PathLost: FastCgi, "FS-01";
        /// The first records are expected to arrive in one read.
        RequestInOneRead: FastCgi, "FS-02";
        /// The empty STDOUT record is missing, as with PHP.
        NoStdoutEnd: FastCgi, "FS-07";
        /// END_REQUEST has four bytes.
        ShortEnd: FastCgi, "FS-08";
        /// END_REQUEST comes twice.
        EndTwice: FastCgi, "FS-10";
        /// Messages for the log come behind END_REQUEST.
        LogsLate: FastCgi, "FS-10";
        /// The connection stays open without KEEP_CONN.
        NeverCloses: FastCgi, "FS-11";
        /// The connection is closed in spite of KEEP_CONN, as with uWSGI.
        AlwaysCloses: FastCgi, "FS-12";
        /// Bytes that arrive together with the end of a request are lost, as with libfcgi.
        PipelineLost: FastCgi, "FS-13";
        /// All flags are compared with KEEP_CONN instead of one bit.
        FlagsCompared: FastCgi, "FS-14";
        /// A reserved byte that is not 0 is refused.
        ReservedChecked: FastCgi, "FS-15";
        /// A header is expected to arrive in one read.
        HeaderInOneRead: FastCgi, "FS-04";
        /// Padding is left unread.
        PaddingUnread: FastCgi, "FS-16";
        /// Padding of BEGIN_REQUEST is left unread, as with libfcgi.
        BeginPaddingUnread: FastCgi, "FS-17";
        /// Padding of empty records is left unread, as with PHP.
        EmptyPaddingUnread: FastCgi, "FS-18";
        /// Padding is taken for content.
        PaddingAsContent: FastCgi, "FX-08";
        /// Content and padding together may not be more than 65535 bytes, as with PHP.
        SumIn16Bits: FastCgi, "FS-22";
        /// Every version is served, as with flup.
        AnyVersion: FastCgi, "FS-23";
        /// Answers always have id 1.
        AnswersAsId1: FastCgi, "FS-06";
        /// Output longer than a record is sent as one record.
        LongRecords: FastCgi, "FS-09";
        /// Of several PARAMS records the last counts.
        LastRecordCounts: FastCgi, "FS-25";
        /// Every PARAMS record is decoded on its own, as with PHP.
        PairsPerRecord: FastCgi, "FS-26";
        /// Lengths of four bytes are taken for one.
        NoWideLengths: FastCgi, "FS-28";
        /// Lengths keep their lowest 16 bits.
        NarrowLengths: FastCgi, "FS-31";
        /// An empty name ends the variables.
        EmptyNameEnds: FastCgi, "FS-33";
        /// Values are cut at NUL, as with PHP.
        CutsAtNul: FastCgi, "FS-34";
        /// A length beyond the end ends the variables, and the request is served, as with flup.
        ShortPairsServed: FastCgi, "FS-36";
        /// A variable that is there twice is lost.
        TwiceIsNever: FastCgi, "FS-35";
        /// Without variables nothing happens any more.
        NoVariablesStall: FastCgi, "FS-40";
        /// STDIN ends PARAMS.
        StdinEndsParams: FastCgi, "FS-39";
        /// Every role is served as a responder, as with PHP.
        AnyRole: FastCgi, "FS-42";
        /// BEGIN_REQUEST may have any length.
        AnyBeginLength: FastCgi, "FS-43";
        /// Requests with id 0 are served, as with PHP.
        Id0Served: FastCgi, "FS-44";
        /// A second request on a connection gets no answer, as with uWSGI.
        SecondRequestIgnored: FastCgi, "FS-45";
        /// A second request on a connection ends the first.
        SecondRequestCloses: FastCgi, "FS-46";
        /// BEGIN_REQUEST for an active id ends its request, and begins none.
        BeginEndsRequest: FastCgi, "FS-48";
        /// STDIN of inactive ids is taken, as with PHP.
        ForeignStdin: FastCgi, "FS-49";
        /// PARAMS of inactive ids are taken, as with PHP.
        ForeignParams: FastCgi, "FS-50";
        /// Records of inactive ids end the connection.
        StrangersClose: FastCgi, "FS-51";
        /// The empty STDIN record of an inactive id ends the body.
        ForeignStdinEnd: FastCgi, "FX-15";
        /// The empty PARAMS record of an inactive id ends the variables.
        ForeignParamsEnd: FastCgi, "FX-16";
        /// GET_VALUES is not answered, as with uWSGI.
        NoGetValues: FastCgi, "FS-52";
        /// GET_VALUES is answered with values that nobody asked for.
        ValuesUnasked: FastCgi, "FS-53";
        /// GET_VALUES is answered when something else has arrived, as with libfcgi.
        ValuesLate: FastCgi, "FS-54";
        /// GET_VALUES is answered on every id, as with PHP.
        ValuesOnAnyId: FastCgi, "FS-59";
        /// Unknown management records are not answered.
        NoUnknownType: FastCgi, "FS-61";
        /// The content of unknown management records is left unread.
        UnknownContentUnread: FastCgi, "FS-62";
        /// The content of unknown management records ends up in the body, as with libfcgi.
        ManagementAsBody: FastCgi, "FS-63";
        /// The content of unknown records of the request ends up in the body.
        UnknownAsBody: FastCgi, "FS-64";
        /// DATA ends up in the body.
        DataAsBody: FastCgi, "FS-65";
        /// Behind a record that goes in the other direction nothing is read.
        StrayRecordsStall: FastCgi, "FS-66";
        /// ABORT_REQUEST for an inactive id ends the connection, as with PHP.
        StrangeAbortCloses: FastCgi, "FS-67";
        /// ABORT_REQUEST ends the request without END_REQUEST.
        AbortUnanswered: FastCgi, "FS-68";
        /// ABORT_REQUEST ends PARAMS, and the request is run, as with PHP.
        RunsAborted: FastCgi, "FS-69";
        /// There is one worker, and it is held by a client that has left.
        OnlyWorkerHeld: FastCgi, "FS-73";
        /// The application gets more than CONTENT_LENGTH bytes, as with libfcgi.
        WholeStream: FastCgi, "FS-75";
        /// The end of STDIN is not seen before CONTENT_LENGTH bytes have come, as with PHP.
        WaitsForLength: FastCgi, "FS-76";
        /// Without CONTENT_LENGTH the body is lost, as with PHP and uWSGI.
        NoLengthNoBody: FastCgi, "FS-77";
        /// CONTENT_LENGTH is read as C's atol does, as with PHP.
        LengthAsInC: FastCgi, "FS-78";
        /// STDIN behind the answer ends the connection, as with libfcgi.
        LateStdinCloses: FastCgi, "FS-79";
        /// The body is read before anything is written.
        BodyFirst: FastCgi, "FS-80";
        /// A client that has ended its direction counts as gone.
        HalfCloseIsLeaving: FastCgi, "FS-81";
        /// A close in the middle of PARAMS is their end.
        CloseEndsParams: FastCgi, "FS-83";
        /// A connection that has begun a header gets an answer when it ends, as with uWSGI.
        AnswersToNothing: FastCgi, "FS-82";
        /// A close in the middle of the body is its end, as with PHP.
        CloseEndsBody: FastCgi, "FS-84";
        /// Clients that send nothing are waited for without end.
        NoReadTimeout: FastCgi, "FS-86";
        /// What is no FastCGI is waited behind, as with uWSGI and flup.
        BadVersionStalls: FastCgi, "FS-89";
        /// Messages for the log end up in the answer.
        LogsToStdout: FastCgi, "FS-91";
        /// The exit status is lost, as with PHP.
        NoAppStatus: FastCgi, "FS-92";
        /// The exit status sticks to later answers, as with libfcgi.
        StatusSticks: FastCgi, "FS-93b";
        /// Answers to HEAD, and of 204 and 304, have bodies.
        BodyAlways: FastCgi, "FS-95";
        /// Several cookies are joined to one field.
        CookiesJoined: FastCgi, "FS-96";
        /// A head longer than a record is cut.
        HeadInOneRecord: FastCgi, "FS-97";
        /// A role that is refused is refused at the end of STDIN.
        RefusesLate: FastCgi, "FX-01";
        /// More than 256 records of a stream are refused.
        FewRecords: FastCgi, "FX-09";
        /// A client that leaves in the middle of its answer ends the program.
        LostClientKills: FastCgi, "FX-11";
        /// The body of one request is the beginning of the next.
        LeftoversKept: FastCgi, "FX-10";
        /// What a write does not take is lost.
        WritesOnce: FastCgi, "FX-12";

        /// The size of the block is read with its big end first.
        SizeBigEndian: Uwsgi, "US-01";
        /// Every modifier is served like 0.
        AnyModifier: Uwsgi, "US-06";
        /// A ping is sent back instead of a pong.
        PingEchoed: Uwsgi, "US-07";
        /// What is left behind a request gets an answer as well, as with Gunicorn.
        LeftoversServed: Uwsgi, "US-10";
        /// A block of more than 4096 bytes ends the connection, as with uWSGI.
        SmallBuffer: Uwsgi, "US-12";
        /// A block that is cut short is served.
        ShortBlockServed: Uwsgi, "US-13";
        /// Behind an empty name nothing is read.
        EmptyNameStalls: Uwsgi, "US-17";
        /// An empty value at the end of the block is refused.
        EmptyValueAtEndRefused: Uwsgi, "US-18";
        /// Bytes behind the last variable are served.
        StrayBytesServed: Uwsgi, "US-20";
        /// More than 128 variables end the connection, as with uWSGI.
        FewVariables: Uwsgi, "US-22";
        /// The status line begins with eight bytes of SERVER_PROTOCOL.
        VersionMirrored: Uwsgi, "US-24";
        /// The status line begins with SERVER_PROTOCOL, line ends included, as with uWSGI.
        ProtocolMirrored: Uwsgi, "US-25";
        /// A body that is cut short is served, as with Gunicorn.
        ShortBodyServed: Uwsgi, "US-26";
        /// More than the announced Content-Length is sent, as with uWSGI.
        OverrunSent: Uwsgi, "US-38";
        /// The connection stays open when less than the announced Content-Length has come, as with Gunicorn.
        UnderrunLeftOpen: Uwsgi, "US-39";
        /// Line ends in field values are sent, as with uWSGI.
        InjectionPassed: Uwsgi, "US-41";
        /// An application that dies gives no answer at all, as with uWSGI.
        SilentDeath: Uwsgi, "US-42";
        /// HTTP_X_FORWARDED_PROTO decides the scheme, as with uWSGI.
        ForwardedProtoTrusted: Uwsgi, "US-45";
        /// PATH_INFO is decoded once more, as with Gunicorn.
        PathDecodedAgain: Uwsgi, "US-47";
        /// The variables of the connection are lost, as with Gunicorn.
        ConnectionVariablesLost: Uwsgi, "US-48";
        /// HTTP_CONTENT_LENGTH is taken for CONTENT_LENGTH.
        HttpLengthWins: Uwsgi, "US-49";
        /// A request in HTTP is served.
        HttpServed: Uwsgi, "US-52";

        /// CONTENT_LENGTH may be anywhere, as with uWSGI.
        LengthAnywhere: Scgi, "SS-03";
        /// The header SCGI may be missing, as with uWSGI.
        ScgiNotNeeded: Scgi, "SS-04";
        /// The length may begin with zeros, as with uWSGI.
        LeadingZero: Scgi, "SS-05";
        /// Any byte ends the netstring.
        AnyTerminator: Scgi, "SS-06";
        /// A comma that is not where it should be is looked for.
        CommaSought: Scgi, "SS-07";
        /// Headers may be missing altogether.
        EmptyHeadersServed: Scgi, "SS-08";
        /// The length may have any number of digits, and any time.
        EndlessLength: Scgi, "SS-09";
        /// Empty values are skipped.
        EmptyValueSkipped: Scgi, "SS-10";
        /// The headers are expected to arrive in one read.
        HeadersInOneRead: Scgi, "SS-12";
    }
}
