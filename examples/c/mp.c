#include "mp.h"

#include <stdlib.h>
#include <string.h>

/* Deeper than the library nests what it sends. */
enum { MAX_DEPTH = 256 };

static void put(mp_writer *w, const void *bytes, size_t n) {
    if (w->capacity - w->length < n) {
        size_t capacity = (w->length + n) * 2;
        uint8_t *data = realloc(w->data, capacity);
        if (data == NULL) {
            w->failed = true;
            return;
        }
        w->data = data;
        w->capacity = capacity;
    }
    memcpy(w->data + w->length, bytes, n);
    w->length += n;
}

/* head is a type's first byte and a number of `size` bytes, big-endian as all of MessagePack is. */
static void head(mp_writer *w, uint8_t first, uint64_t number, int size) {
    uint8_t bytes[9] = {first};
    for (int i = 0; i < size; i++)
        bytes[1 + i] = (uint8_t)(number >> (8 * (size - 1 - i)));
    put(w, bytes, (size_t)size + 1);
}

void mp_put_nil(mp_writer *w) { head(w, 0xc0, 0, 0); }
void mp_put_bool(mp_writer *w, bool value) { head(w, value ? 0xc3 : 0xc2, 0, 0); }
void mp_put_int(mp_writer *w, int64_t value) { head(w, 0xd3, (uint64_t)value, 8); }
void mp_put_array(mp_writer *w, uint32_t count) { head(w, 0xdd, count, 4); }
void mp_put_map(mp_writer *w, uint32_t count) { head(w, 0xdf, count, 4); }

void mp_put_float(mp_writer *w, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    head(w, 0xcb, bits, 8);
}

void mp_put_text(mp_writer *w, const char *text) {
    size_t n = strlen(text);
    head(w, 0xdb, n, 4);
    put(w, text, n);
}

void mp_put_bytes(mp_writer *w, const uint8_t *bytes, size_t length) {
    head(w, 0xc6, length, 4);
    put(w, bytes, length);
}

/* reader is what is left of a message. */
typedef struct {
    const uint8_t *at;
    size_t left;
} reader;

/* number reads `size` bytes; false when the message ends before. */
static bool number(reader *r, int size, uint64_t *value) {
    if (r->left < (size_t)size)
        return false;
    *value = 0;
    for (int i = 0; i < size; i++)
        *value = *value << 8 | r->at[i];
    r->at += size;
    r->left -= (size_t)size;
    return true;
}

static mp_value bad(void) { return (mp_value){.type = MP_BAD}; }

static mp_value integer(int64_t n) { return (mp_value){.type = MP_INT, .integer = n, .number = (double)n}; }

/* sized is a text, bytes, an array or a map whose length is known. */
static mp_value sized(reader *r, mp_type type, uint64_t n) {
    if (n > r->left)
        return bad();
    mp_value v = {.type = type, .bytes = r->at, .length = r->left};
    if (type == MP_ARRAY || type == MP_MAP) {
        v.count = (uint32_t)n;
        return v;
    }
    v.length = (size_t)n;
    r->at += n;
    r->left -= (size_t)n;
    return v;
}

static mp_value floating(uint64_t bits, int size) {
    mp_value v = {.type = MP_FLOAT};
    if (size == 4) {
        uint32_t narrow = (uint32_t)bits;
        float f;
        memcpy(&f, &narrow, sizeof f);
        v.number = (double)f;
    } else {
        memcpy(&v.number, &bits, sizeof v.number);
    }
    return v;
}

/* next reads a value and, of an array or a map, its head. */
static mp_value next(reader *r) {
    /* From 0xc0 on: the type and how many bytes of a number follow. */
    static const struct {
        uint8_t type, size;
    } heads[32] = {
        /* clang-format off */
        {MP_NIL, 0},   {MP_BAD, 0},   {MP_BOOL, 0},  {MP_BOOL, 0},  {MP_BYTES, 1}, {MP_BYTES, 2}, {MP_BYTES, 4}, {MP_BAD, 0},
        {MP_BAD, 0},   {MP_BAD, 0},   {MP_FLOAT, 4}, {MP_FLOAT, 8}, {MP_INT, 1},   {MP_INT, 2},   {MP_INT, 4},   {MP_INT, 8},
        {MP_INT, 1},   {MP_INT, 2},   {MP_INT, 4},   {MP_INT, 8},   {MP_BAD, 0},   {MP_BAD, 0},   {MP_BAD, 0},   {MP_BAD, 0},
        {MP_BAD, 0},   {MP_TEXT, 1},  {MP_TEXT, 2},  {MP_TEXT, 4},  {MP_ARRAY, 2}, {MP_ARRAY, 4}, {MP_MAP, 2},   {MP_MAP, 4},
        /* clang-format on */
    };
    uint64_t first, n;
    if (!number(r, 1, &first))
        return bad();
    if (first < 0x80 || first >= 0xe0)
        return integer((int8_t)first);
    if (first < 0x90)
        return sized(r, MP_MAP, first & 15);
    if (first < 0xa0)
        return sized(r, MP_ARRAY, first & 15);
    if (first < 0xc0)
        return sized(r, MP_TEXT, first & 31);
    mp_type type = (mp_type)heads[first - 0xc0].type;
    int size = heads[first - 0xc0].size;
    if (!number(r, size, &n))
        return bad();
    switch (type) {
    case MP_BOOL:
        return (mp_value){.type = MP_BOOL, .integer = first == 0xc3};
    case MP_FLOAT:
        return floating(n, size);
    case MP_INT: /* the signed ones are extended from their size */
        return integer(first < 0xd0 ? (int64_t)n : (int64_t)(n << (64 - 8 * size)) >> (64 - 8 * size));
    case MP_NIL:
    case MP_BAD:
        return (mp_value){.type = type};
    default:
        return sized(r, type, n);
    }
}

/* skip passes over a whole value. */
static bool skip(reader *r, int depth) {
    mp_value v = next(r);
    if (v.type == MP_BAD || depth == MAX_DEPTH)
        return false;
    uint64_t elements = v.type == MP_ARRAY ? v.count : v.type == MP_MAP ? (uint64_t)v.count * 2 : 0;
    while (elements-- > 0)
        if (!skip(r, depth + 1))
            return false;
    return true;
}

mp_value mp_read(const uint8_t *data, size_t length) {
    reader r = {data, length};
    return next(&r);
}

mp_value mp_at(mp_value array, uint32_t index) {
    if (array.type != MP_ARRAY || index >= array.count)
        return bad();
    reader r = {array.bytes, array.length};
    while (index-- > 0)
        if (!skip(&r, 0))
            return bad();
    return next(&r);
}

mp_value mp_get(mp_value map, const char *key) {
    reader r = {map.bytes, map.length};
    for (uint32_t i = 0; map.type == MP_MAP && i < map.count; i++) {
        if (mp_is(next(&r), key))
            return next(&r);
        if (!skip(&r, 0))
            break;
    }
    return bad();
}

bool mp_is(mp_value value, const char *text) {
    return value.type == MP_TEXT && value.length == strlen(text) && memcmp(value.bytes, text, value.length) == 0;
}
