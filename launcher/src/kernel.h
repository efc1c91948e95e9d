// SPDX-License-Identifier: Apache-2.0
// The few Linux system calls the launcher makes. A negative result is an error number with its sign changed.
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ERROR_NOT_PERMITTED = 1,
    ERROR_NOT_FOUND = 2,
    ERROR_INTERRUPTED = 4,
    ERROR_TOO_BIG = 7,
    ERROR_EXEC_FORMAT = 8,
    ERROR_ACCESS = 13,
    ERROR_IS_DIRECTORY = 21,
    ERROR_INVALID = 22,
    ERROR_NO_CALL = 38,
};

enum {
    SIGNAL_HANGUP = 1,
    SIGNAL_INTERRUPT = 2,
    SIGNAL_QUIT = 3,
    SIGNAL_KILL = 9,
    SIGNAL_TERMINATE = 15,
    SIGNAL_CHILD = 17,
};

// File types and permission bits inside a mode.
enum {
    MODE_TYPE = 0170000,
    MODE_DIRECTORY = 0040000,
    MODE_DEVICE = 0020000,
    MODE_REGULAR = 0100000,
    MODE_LINK = 0120000,
    MODE_EXECUTE = 0111,
};

// What getdents64 writes, one after the other; `size` leads to the next.
struct kernel_entry {
    uint64_t inode;
    int64_t offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

enum { ENTRY_UNKNOWN = 0, ENTRY_DIRECTORY = 4, ENTRY_LINK = 10 };

struct kernel_poll {
    int file;
    short events;
    short found;
};

enum { POLL_READABLE = 1 };

// A set of signals; signal n is bit n - 1.
typedef uint64_t signal_set;

_Noreturn void kernel_exit(int code);
void *kernel_map(size_t size);  // fresh zeroed memory, or null

long kernel_open(const char *path);  // for reading, not inherited, never waiting for the other end of a fifo
long kernel_open_directory(const char *path);
long kernel_read(int file, void *bytes, size_t size);
long kernel_write(int file, const void *bytes, size_t size);
long kernel_close(int file);
long kernel_list(int directory, void *entries, size_t size);
long kernel_mode(const char *path);  // of what the path leads to
long kernel_mode_in(int directory, const char *name);  // of the entry itself, also when it is a link
long kernel_mode_of(int file);
long kernel_may_execute(const char *path);  // for the effective user
long kernel_change_directory(const char *path);
long kernel_current_directory(char *path, size_t size);  // the size with its zero byte

long kernel_fork(void);
long kernel_execute(const char *path, char *const *arguments, char *const *environment);
long kernel_wait(int process, int *status, bool now);  // with `now`, zero when it still runs
long kernel_pipe(int files[2]);  // neither end is inherited
long kernel_give(int file, int as);  // makes `as` an inherited copy of the file; the two must differ
long kernel_raise(int file);         // a copy from 10 on that is not inherited
long kernel_poll(struct kernel_poll *polls, size_t count);

long kernel_self(void);
long kernel_kill(int process, int signal);
bool kernel_signal_is_default(int signal);
long kernel_signal_reset(int signal);
long kernel_signal_block(signal_set more, signal_set *old);
long kernel_signal_mask(signal_set set);  // blocks exactly this set
long kernel_signal_file(signal_set set);  // a file that reads as one record of 128 bytes per signal

#endif
