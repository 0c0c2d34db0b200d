/*
 * The probe application of the conformance kit on libfcgi: one process, one connection at a time, all three roles.
 * The paths are those of ../README.md. It does what an application does that believes its library: nothing here
 * works around libfcgi.
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcgiapp.h>

#define PIECE 8192

static FCGX_Request request;

static const char *param(const char *name)
{
    const char *value = FCGX_GetParam(name, request.envp);
    return value ? value : "";
}

/* A number of the query string. */
static long number(const char *name, long otherwise)
{
    const char *at = param("QUERY_STRING");
    size_t length = strlen(name);
    while (*at) {
        if (strncmp(at, name, length) == 0 && at[length] == '=')
            return atol(at + length + 1);
        at += strcspn(at, "&");
        at += *at == '&';
    }
    return otherwise;
}

static void put(const char *text)
{
    FCGX_PutS(text, request.out);
}

/* A string of JSON. Bytes that are no ASCII become \u00XX: the kit compares what it sent itself. */
static void put_json(const char *text, size_t length)
{
    FCGX_PutChar('"', request.out);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char) text[i];
        if (c == '"' || c == '\\')
            FCGX_FPrintF(request.out, "\\%c", c);
        else if (c < 0x20 || c > 0x7e)
            FCGX_FPrintF(request.out, "\\u%04x", c);
        else
            FCGX_PutChar(c, request.out);
    }
    FCGX_PutChar('"', request.out);
}

static void text(const char *body)
{
    FCGX_FPrintF(request.out, "Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", (int) strlen(body), body);
}

static void env(void)
{
    put("Content-Type: application/json\r\n\r\n{");
    for (char **entry = request.envp; entry && *entry; entry++) {
        const char *equals = strchr(*entry, '=');
        if (!equals)
            continue;
        if (entry != request.envp)
            put(",");
        put_json(*entry, (size_t) (equals - *entry));
        put(":");
        put_json(equals + 1, strlen(equals + 1));
    }
    put("}\n");
}

/* Everything of the input; the caller frees it. */
static char *read_all(FCGX_Stream *in, size_t *length)
{
    size_t room = PIECE;
    char *body = malloc(room);
    *length = 0;
    for (;;) {
        int got = FCGX_GetStr(body + *length, PIECE, in);
        *length += got > 0 ? (size_t) got : 0;
        if (got < PIECE)
            return body;
        room += PIECE;
        body = realloc(body, room);
    }
}

static void echo(void)
{
    size_t length;
    char *body = read_all(request.in, &length);
    if (FCGX_GetError(request.in)) {
        put("Status: 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nthe body cannot be read\n");
    } else {
        FCGX_FPrintF(request.out, "Content-Type: application/octet-stream\r\nX-Body-Length: %ld\r\nX-Method: %s\r\n\r\n",
                     (long) length, param("REQUEST_METHOD"));
        FCGX_PutStr(body, (int) length, request.out);
    }
    free(body);
}

static void ramp(long bytes)
{
    for (long i = 0; i < bytes; i++)
        FCGX_PutChar((int) ((i * 31 + 7) & 0xff), request.out);
}

static void download(void)
{
    long bytes = number("bytes", 0);
    FCGX_FPrintF(request.out, "Content-Type: application/octet-stream\r\nContent-Length: %ld\r\n\r\n", bytes);
    if (strcmp(param("REQUEST_METHOD"), "HEAD") != 0)
        ramp(bytes);
}

static void mixed(void)
{
    long bytes = number("bytes", 0), lines = number("lines", 1), done = 0;
    FCGX_FPrintF(request.out, "Content-Type: application/octet-stream\r\nContent-Length: %ld\r\n\r\n", bytes);
    for (long line = 0; line < lines; line++) {
        long until = bytes * (line + 1) / lines;
        for (; done < until; done++)
            FCGX_PutChar((int) ((done * 31 + 7) & 0xff), request.out);
        FCGX_FPrintF(request.err, "stderr line %ld\n", line);
        FCGX_FFlush(request.err);
    }
}

static void stream(void)
{
    long chunks = number("chunks", 5), ms = number("ms", 100);
    put("Content-Type: text/plain\r\n\r\n");
    for (long i = 0; i < chunks; i++) {
        if (i > 0)
            usleep((useconds_t) (ms * 1000));
        FCGX_FPrintF(request.out, "chunk %ld\n", i);
        FCGX_FFlush(request.out);
    }
}

static void headers(void)
{
    long count = number("count", 1), size = number("size", 10);
    for (long i = 0; i < count; i++) {
        FCGX_FPrintF(request.out, "X-Big-%ld: ", i);
        for (long j = 0; j < size; j++)
            FCGX_PutChar('x', request.out);
        put("\r\n");
    }
    text("headers\n");
}

static void cookies(void)
{
    for (long i = 0; i < number("count", 1); i++)
        FCGX_FPrintF(request.out, "Set-Cookie: c%ld=v%ld\r\n", i, i);
    text("cookies\n");
}

static void authorizer(void)
{
    if (number("deny", 0))
        put("Status: 403 Forbidden\r\nContent-Type: text/plain\r\n\r\ndenied\n");
    else
        put("Status: 200 OK\r\nVariable-REMOTE_USER: probe\r\nVariable-X_PROBE: allowed\r\n\r\n");
}

static void filter(void)
{
    size_t length;
    char piece[PIECE];
    int got;
    free(read_all(request.in, &length));
    FCGX_FPrintF(request.out, "Content-Type: text/plain\r\n\r\nSTDIN %ld bytes\n", (long) length);
    if (FCGX_StartFilterData(request.in) < 0) {
        put("no DATA\n");
        return;
    }
    while ((got = FCGX_GetStr(piece, PIECE, request.in)) > 0)
        FCGX_PutStr(piece, got, request.out);
}

static void status(void)
{
    FCGX_FPrintF(request.out, "Status: %ld Probe\r\n", number("code", 200));
    text("status\n");
}

static void nobody(void)
{
    FCGX_FPrintF(request.out, "Status: %ld Probe\r\nContent-Type: text/plain\r\n\r\n0123456789", number("code", 204));
}

static void answer(void)
{
    const char *path = param("PATH_INFO");
    if (!*path && strcmp(param("FCGI_ROLE"), "AUTHORIZER") == 0)
        path = "/env";
    if (strcmp(path, "/env") == 0)
        env();
    else if (strcmp(path, "/echo") == 0)
        echo();
    else if (strcmp(path, "/download") == 0)
        download();
    else if (strcmp(path, "/mixed") == 0)
        mixed();
    else if (strcmp(path, "/stream") == 0)
        stream();
    else if (strcmp(path, "/headers") == 0)
        headers();
    else if (strcmp(path, "/cookies") == 0)
        cookies();
    else if (strcmp(path, "/authorizer") == 0)
        authorizer();
    else if (strcmp(path, "/filter") == 0)
        filter();
    else if (strcmp(path, "/status") == 0)
        status();
    else if (strcmp(path, "/nobody") == 0)
        nobody();
    else if (strcmp(path, "/noread") == 0)
        text("ignored\n");
    else if (strcmp(path, "/exit") == 0) {
        text("exit\n");
        FCGX_SetExitStatus((int) number("status", 0), request.out);
    } else if (strcmp(path, "/sleep") == 0) {
        usleep((useconds_t) (number("ms", 100) * 1000));
        text("slept\n");
    } else if (strcmp(path, "/stderr") == 0) {
        for (long i = 0; i < number("lines", 1); i++)
            FCGX_FPrintF(request.err, "stderr line %ld\n", i);
        text("logged\n");
    } else
        put("Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nnot found\n");
}

int main(void)
{
    if (FCGX_Init() != 0 || FCGX_InitRequest(&request, 0, 0) != 0)
        return 1;
    while (FCGX_Accept_r(&request) == 0) {
        answer();
        FCGX_Finish_r(&request);
    }
    return 0;
}
