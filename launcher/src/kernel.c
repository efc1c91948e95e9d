// SPDX-License-Identifier: Apache-2.0
#include "kernel.h"

#if defined(__x86_64__)
#include "arch_amd64.h"
#elif defined(__aarch64__)
#include "arch_arm64.h"
#else
#error "the launcher is written for amd64 and arm64"
#endif

#define CALL0(call) arch_call(call, 0, 0, 0, 0, 0, 0)
#define CALL1(call, a) arch_call(call, (long)(a), 0, 0, 0, 0, 0)
#define CALL2(call, a, b) arch_call(call, (long)(a), (long)(b), 0, 0, 0, 0)
#define CALL3(call, a, b, c) arch_call(call, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL4(call, a, b, c, d) arch_call(call, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

enum {
    HERE = -100,  // paths are relative to the current directory
    OPEN_NONBLOCK = 04000,
    OPEN_CLOSE_ON_EXEC = 02000000,
    STAT_NOFOLLOW = 0x100,
    STAT_EMPTY_PATH = 0x1000,
    ACCESS_EFFECTIVE = 0x200,
    ACCESS_EXECUTE = 1,
    MAP_READ_WRITE = 3,
    MAP_PRIVATE_ANONYMOUS = 0x22,
    WAIT_NOT = 1,
    MASK_BLOCK = 0,
    MASK_SET = 2,
    FILE_COPY_CLOSE_ON_EXEC = 1030,
    FIRST_RAISED = 10,
};

_Noreturn void kernel_exit(int code) {
    for (;;) {
        CALL1(CALL_EXIT_GROUP, code);
    }
}

void *kernel_map(size_t size) {
    long place = arch_call(CALL_MMAP, 0, (long)size, MAP_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
    return place < 0 && place > -4096 ? NULL : (void *)place;
}

long kernel_open(const char *path) {
    return CALL4(CALL_OPENAT, HERE, path, OPEN_CLOSE_ON_EXEC | OPEN_NONBLOCK, 0);
}

long kernel_open_directory(const char *path) {
    return CALL4(CALL_OPENAT, HERE, path, OPEN_CLOSE_ON_EXEC | ARCH_O_DIRECTORY, 0);
}

long kernel_read(int file, void *bytes, size_t size) {
    return CALL3(CALL_READ, file, bytes, size);
}

long kernel_write(int file, const void *bytes, size_t size) {
    return CALL3(CALL_WRITE, file, bytes, size);
}

long kernel_close(int file) {
    return CALL1(CALL_CLOSE, file);
}

long kernel_list(int directory, void *entries, size_t size) {
    return CALL3(CALL_GETDENTS64, directory, entries, size);
}

// The layout of stat differs per processor; only the mode is of interest.
static long mode(int directory, const char *path, int flags) {
    union {
        uint64_t words[ARCH_STAT_SIZE / sizeof(uint64_t)];
        uint32_t halves[ARCH_STAT_SIZE / sizeof(uint32_t)];
    } stat = {0};
    long result = CALL4(CALL_FSTATAT, directory, path, &stat, flags);
    return result < 0 ? result : (long)stat.halves[ARCH_STAT_MODE_AT / sizeof(uint32_t)];
}

long kernel_mode(const char *path) {
    return mode(HERE, path, 0);
}

long kernel_mode_in(int directory, const char *name) {
    return mode(directory, name, STAT_NOFOLLOW);
}

long kernel_mode_of(int file) {
    return mode(file, "", STAT_EMPTY_PATH);
}

long kernel_may_execute(const char *path) {
    return CALL4(CALL_FACCESSAT2, HERE, path, ACCESS_EXECUTE, ACCESS_EFFECTIVE);
}

long kernel_change_directory(const char *path) {
    return CALL1(CALL_CHDIR, path);
}

long kernel_current_directory(char *path, size_t size) {
    return CALL2(CALL_GETCWD, path, size);
}

long kernel_fork(void) {
    return CALL1(CALL_CLONE, SIGNAL_CHILD);
}

long kernel_execute(const char *path, char *const *arguments, char *const *environment) {
    return CALL3(CALL_EXECVE, path, arguments, environment);
}

long kernel_wait(int process, int *status, bool now) {
    return CALL4(CALL_WAIT4, process, status, now ? WAIT_NOT : 0, 0);
}

long kernel_pipe(int files[2]) {
    return CALL2(CALL_PIPE2, files, OPEN_CLOSE_ON_EXEC);
}

long kernel_give(int file, int as) {
    return CALL3(CALL_DUP3, file, as, 0);
}

long kernel_raise(int file) {
    return CALL3(CALL_FCNTL, file, FILE_COPY_CLOSE_ON_EXEC, FIRST_RAISED);
}

long kernel_poll(struct kernel_poll *polls, size_t count) {
    return CALL4(CALL_PPOLL, polls, count, 0, 0);
}

long kernel_self(void) {
    return CALL0(CALL_GETPID);
}

long kernel_kill(int process, int signal) {
    return CALL2(CALL_KILL, process, signal);
}

// The kernel's own sigaction: handler, flags, restorer, mask. A zero handler is the default action.
struct action {
    uint64_t handler, flags, restorer;
    signal_set mask;
};

bool kernel_signal_is_default(int signal) {
    struct action action = {0};
    return CALL4(CALL_SIGACTION, signal, 0, &action, sizeof action.mask) == 0 && action.handler == 0;
}

long kernel_signal_reset(int signal) {
    struct action action = {0};
    return CALL4(CALL_SIGACTION, signal, &action, 0, sizeof action.mask);
}

long kernel_signal_block(signal_set more, signal_set *old) {
    return CALL4(CALL_SIGPROCMASK, MASK_BLOCK, &more, old, sizeof more);
}

long kernel_signal_mask(signal_set set) {
    return CALL4(CALL_SIGPROCMASK, MASK_SET, &set, 0, sizeof set);
}

long kernel_signal_file(signal_set set) {
    return CALL4(CALL_SIGNALFD4, -1, &set, sizeof set, OPEN_CLOSE_ON_EXEC);
}
