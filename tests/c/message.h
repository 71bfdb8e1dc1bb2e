/*
 * message.h: just enough MessagePack for the examples: a writer into a fixed buffer, and a reader that checks bounds.
 * A program of your own would use a library, such as msgpack-c or mpack.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* writer: what does not fit sets failed. */
struct writer {
    uint8_t data[4096];
    size_t length;
    int failed;
};

static inline void put(struct writer *w, const void *bytes, size_t n) {
    if (w->failed || n > sizeof w->data - w->length) {
        w->failed = 1;
        return;
    }
    memcpy(w->data + w->length, bytes, n);
    w->length += n;
}

static inline void put_head(struct writer *w, uint8_t tag, uint32_t n) {
    uint8_t head[5] = {tag, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    put(w, head, sizeof head);
}

static inline void put_array(struct writer *w, uint32_t n) { put_head(w, 0xdd, n); }
static inline void put_map(struct writer *w, uint32_t pairs) { put_head(w, 0xdf, pairs); }

static inline void put_text(struct writer *w, const char *text) {
    uint32_t n = (uint32_t)strlen(text);
    put_head(w, 0xdb, n);
    put(w, text, n);
}

static inline void put_int(struct writer *w, int64_t value) {
    uint8_t number[9] = {0xd3};
    for (int i = 0; i < 8; i++)
        number[1 + i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
    put(w, number, sizeof number);
}

/* value: one value that was read. Of an array or a map, count says how many values or pairs follow. */
struct value {
    enum { NIL, BOOL, INT, FLOAT, TEXT, BYTES, ARRAY, MAP, BAD } kind;
    int64_t integer;
    double number;
    const char *bytes; /* of TEXT and BYTES: count of them, without a 0 at the end */
    uint32_t count;
};

struct reader {
    const uint8_t *at, *end;
};

static inline uint64_t get_number(struct reader *r, int width) {
    uint64_t n = 0;
    if (r->end - r->at < width) {
        r->at = r->end + 1; /* get notices */
        return 0;
    }
    for (int i = 0; i < width; i++)
        n = n << 8 | *r->at++;
    return n;
}

static inline struct value get_blob(struct reader *r, int kind, uint64_t n) {
    struct value v = {.kind = kind, .bytes = (const char *)r->at, .count = (uint32_t)n};
    if (r->at > r->end || (uint64_t)(r->end - r->at) < n)
        return (struct value){.kind = BAD};
    r->at += n;
    return v;
}

static inline struct value get_int(int64_t n) { return (struct value){.kind = INT, .integer = n}; }

static inline struct value get_list(int kind, uint64_t n) { return (struct value){.kind = kind, .count = (uint32_t)n}; }

static inline struct value get_float(uint64_t bits) {
    struct value v = {.kind = FLOAT};
    memcpy(&v.number, &bits, sizeof v.number);
    return v;
}

/* get reads the next value. */
static inline struct value get(struct reader *r) {
    if (r->at >= r->end)
        return (struct value){.kind = BAD};
    uint8_t tag = *r->at++;
    struct value v = {.kind = BAD};
    if (tag < 0x80)
        return get_int(tag);
    if (tag < 0x90)
        return get_list(MAP, tag & 0x0f);
    if (tag < 0xa0)
        return get_list(ARRAY, tag & 0x0f);
    if (tag < 0xc0)
        return get_blob(r, TEXT, tag & 0x1f);
    if (tag >= 0xe0)
        return get_int((int8_t)tag);
    switch (tag) {
    case 0xc0: v = (struct value){.kind = NIL}; break;
    case 0xc2: v = (struct value){.kind = BOOL}; break;
    case 0xc3: v = (struct value){.kind = BOOL, .integer = 1}; break;
    case 0xc4: v = get_blob(r, BYTES, get_number(r, 1)); break;
    case 0xc5: v = get_blob(r, BYTES, get_number(r, 2)); break;
    case 0xc6: v = get_blob(r, BYTES, get_number(r, 4)); break;
    case 0xcb: v = get_float(get_number(r, 8)); break;
    case 0xcc: v = get_int((int64_t)get_number(r, 1)); break;
    case 0xcd: v = get_int((int64_t)get_number(r, 2)); break;
    case 0xce: v = get_int((int64_t)get_number(r, 4)); break;
    case 0xcf: v = get_int((int64_t)get_number(r, 8)); break;
    case 0xd0: v = get_int((int8_t)get_number(r, 1)); break;
    case 0xd1: v = get_int((int16_t)get_number(r, 2)); break;
    case 0xd2: v = get_int((int32_t)get_number(r, 4)); break;
    case 0xd3: v = get_int((int64_t)get_number(r, 8)); break;
    case 0xd9: v = get_blob(r, TEXT, get_number(r, 1)); break;
    case 0xda: v = get_blob(r, TEXT, get_number(r, 2)); break;
    case 0xdb: v = get_blob(r, TEXT, get_number(r, 4)); break;
    case 0xdc: v = get_list(ARRAY, get_number(r, 2)); break;
    case 0xdd: v = get_list(ARRAY, get_number(r, 4)); break;
    case 0xde: v = get_list(MAP, get_number(r, 2)); break;
    case 0xdf: v = get_list(MAP, get_number(r, 4)); break;
    }
    if (r->at > r->end)
        v.kind = BAD;
    return v;
}

/* skip reads over one whole value; 0 when there is none. The library's messages nest at most 200 deep. */
static inline int skip(struct reader *r) {
    struct value v = get(r);
    uint64_t inner = v.kind == ARRAY ? v.count : v.kind == MAP ? 2 * (uint64_t)v.count : 0;
    while (inner-- > 0)
        if (!skip(r))
            return 0;
    return v.kind != BAD;
}

static inline int is_text(struct value v, const char *text) {
    return v.kind == TEXT && v.count == strlen(text) && memcmp(v.bytes, text, v.count) == 0;
}

/* find reads the map at r and gives the reader of the value of a key; 0 when it is not there. */
static inline int find(struct reader r, const char *key, struct reader *value) {
    struct value map = get(&r);
    if (map.kind != MAP)
        return 0;
    for (uint32_t i = 0; i < map.count; i++) {
        struct value name = get(&r);
        *value = r;
        if (is_text(name, key))
            return 1;
        if (!skip(&r))
            return 0;
    }
    return 0;
}

#endif
