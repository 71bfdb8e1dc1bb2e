/*
 * mp.h: as much MessagePack as the messages of eryx.h need, for programs without a MessagePack library of their own.
 * A real program would take one: msgpack-c, mpack, cmp.
 */
#ifndef MP_H
#define MP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* mp_writer is a message under construction. Start with {0}; free data in the end. failed: there was no memory. */
typedef struct {
    uint8_t *data;
    size_t length, capacity;
    bool failed;
} mp_writer;

void mp_put_nil(mp_writer *w);
void mp_put_bool(mp_writer *w, bool value);
void mp_put_int(mp_writer *w, int64_t value);
void mp_put_float(mp_writer *w, double value);
void mp_put_text(mp_writer *w, const char *text);
void mp_put_bytes(mp_writer *w, const uint8_t *bytes, size_t length);
/* The elements follow: count of them, or count pairs of a text and a value. */
void mp_put_array(mp_writer *w, uint32_t count);
void mp_put_map(mp_writer *w, uint32_t count);

/* mp_type is the type of a value that was read. A truncated or unknown value is MP_BAD. */
typedef enum { MP_BAD, MP_NIL, MP_BOOL, MP_INT, MP_FLOAT, MP_TEXT, MP_BYTES, MP_ARRAY, MP_MAP } mp_type;

/* mp_value is one value. It points into the message. */
typedef struct {
    mp_type type;
    int64_t integer;      /* MP_BOOL, MP_INT */
    double number;        /* MP_FLOAT, MP_INT */
    const uint8_t *bytes; /* MP_TEXT, MP_BYTES: the content; MP_ARRAY, MP_MAP: the first element */
    size_t length;        /* MP_TEXT, MP_BYTES: of the content; MP_ARRAY, MP_MAP: of all that follows in the message */
    uint32_t count;       /* MP_ARRAY: elements; MP_MAP: pairs */
} mp_value;

/* mp_read reads the value that a message begins with. */
mp_value mp_read(const uint8_t *data, size_t length);
/* mp_at is an element of an array, MP_BAD beyond its end. mp_get is the value of a key, MP_BAD when there is none. */
mp_value mp_at(mp_value array, uint32_t index);
mp_value mp_get(mp_value map, const char *key);
/* mp_is says whether a value is this text. */
bool mp_is(mp_value value, const char *text);

#endif
