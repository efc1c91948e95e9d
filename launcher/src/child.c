// SPDX-License-Identifier: Apache-2.0
#include "child.h"

#include "bytes.h"
#include "failure.h"
#include "kernel.h"
#include "memory.h"

enum { STANDARD_INPUT = 0, OUTPUT = 3, SIGNAL_RECORD = 128 };

// More than the kernel lets a process have in all its variables together.
static const size_t LARGEST_OUTPUT = (size_t)8 << 20;

struct child {
    struct text program;
    int process;
    int output;     // reads what the program writes to file descriptor 3; -1 after its end
    int complaint;  // reads the error number when the program could not be started
    int signals;    // reads the signals that arrive; -1 where the kernel has no such files
    signal_set mask;  // the signals that were blocked before
    int stopped_by;   // the last signal that asks the launcher to end, or zero
    bool ended;
    int status;
    char *bytes;
    size_t size, room;
};

static _Noreturn void fail_child(const struct child *child, struct text message, struct text hint) {
    fail(JOIN(T("failed to execute exec.d file at path '"), child->program, T("': "), message), hint);
}

static int must(const struct child *child, struct text call, long result) {
    if (result < 0) {
        fail_child(child, JOIN(call, T(": "), reason_of(-result)), NO_HINT);
    }
    return (int)result;
}

// A pipe whose ends are none of the standard files, even if the launcher was started without these.
static void open_pipe(const struct child *child, int ends[2]) {
    must(child, T("pipe"), kernel_pipe(ends));
    for (int i = 0; i < 2; i++) {
        int raised = must(child, T("fcntl"), kernel_raise(ends[i]));
        kernel_close(ends[i]);
        ends[i] = raised;
    }
}

static signal_set bit_of(int signal) {
    return (signal_set)1 << (signal - 1);
}

// Blocks the signals that would end the launcher and reads them instead: process 1 would not even get them.
static void hold_signals(struct child *child) {
    static const int stops[] = {SIGNAL_HANGUP, SIGNAL_INTERRUPT, SIGNAL_QUIT, SIGNAL_TERMINATE};
    signal_set set = bit_of(SIGNAL_CHILD);
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        set |= kernel_signal_is_default(stops[i]) ? bit_of(stops[i]) : 0;
    }
    kernel_signal_reset(SIGNAL_CHILD);
    child->signals = (int)kernel_signal_file(set);
    kernel_signal_block(child->signals < 0 ? 0 : set, &child->mask);
}

static void release_signals(const struct child *child) {
    kernel_signal_mask(child->mask);
    if (child->signals >= 0) {
        kernel_close(child->signals);
    }
}

// In the new process: no input, the pipe as file 3, then the program. Returns only with an error number.
static long become(const struct child *child, int output, char *const *environment) {
    char *path = text_string(child->program);
    char *arguments[] = {path, NULL};
    long nothing = kernel_open("/dev/null");
    long input = nothing < 0 ? nothing : kernel_raise((int)nothing);
    if (input < 0) {
        return -input;
    }
    kernel_give((int)input, STANDARD_INPUT);
    kernel_give(output, OUTPUT);
    kernel_signal_mask(child->mask);
    return -kernel_execute(path, arguments, environment);
}

static void start(struct child *child, char *const *environment) {
    int output[2];
    int complaint[2];
    open_pipe(child, output);
    open_pipe(child, complaint);
    child->process = must(child, T("fork"), kernel_fork());
    if (child->process == 0) {
        int error = (int)become(child, output[1], environment);
        kernel_write(complaint[1], &error, sizeof error);
        kernel_exit(127);
    }
    kernel_close(output[1]);
    kernel_close(complaint[1]);
    child->output = output[0];
    child->complaint = complaint[0];
}

static void wait_for(struct child *child, bool now) {
    child->ended = child->ended || kernel_wait(child->process, &child->status, now) == child->process;
}

// Ends the launcher by the signal, as if it had never been held. Nothing but an exit ends process 1.
static _Noreturn void stop(const struct child *child) {
    release_signals(child);
    kernel_kill((int)kernel_self(), child->stopped_by);
    kernel_exit(128 + child->stopped_by);
}

static void take_signal(struct child *child) {
    _Alignas(uint32_t) char record[SIGNAL_RECORD];
    if (kernel_read(child->signals, record, sizeof record) != sizeof record) {
        return;
    }
    int signal = (int)*(const uint32_t *)record;
    if (signal == SIGNAL_CHILD) {
        wait_for(child, true);
        return;
    }
    child->stopped_by = signal;
    if (!child->ended) {
        kernel_kill(child->process, signal);
    }
}

static void make_room(struct child *child) {
    if (child->size == LARGEST_OUTPUT) {
        kernel_kill(child->process, SIGNAL_KILL);
        fail_child(child, JOIN(T("its output has more than "), text_of_number(LARGEST_OUTPUT), T(" bytes")), NO_HINT);
    }
    if (child->size == child->room) {
        child->room = child->room == 0 ? 4096 : child->room * 2;
        char *bytes = allocate(child->room);
        bytes_append(bytes, child->bytes, child->size);
        child->bytes = bytes;
    }
}

static void take_output(struct child *child) {
    make_room(child);
    long count = kernel_read(child->output, child->bytes + child->size, child->room - child->size);
    if (count > 0) {
        child->size += (size_t)count;
    } else if (count != -ERROR_INTERRUPTED) {
        kernel_close(child->output);
        child->output = -1;
    }
}

// Whether nothing more is to come: the program has ended, and no other holds the pipe open that anyone still waits for.
static bool is_over(const struct child *child) {
    return child->ended && (child->output < 0 || child->stopped_by != 0);
}

static void listen(struct child *child) {
    while (!is_over(child)) {
        if (child->signals < 0 && child->output < 0) {
            wait_for(child, false);
            continue;
        }
        struct kernel_poll polls[] = {{child->output, POLL_READABLE, 0}, {child->signals, POLL_READABLE, 0}};
        if (kernel_poll(polls, 2) < 0) {
            continue;
        }
        if (polls[1].found != 0) {
            take_signal(child);
        }
        if (polls[0].found != 0) {
            take_output(child);
        }
    }
}

static struct text signal_name(int signal) {
    switch (signal) {
    case 1: return T("hangup");
    case 2: return T("interrupt");
    case 3: return T("quit");
    case 4: return T("illegal instruction");
    case 6: return T("aborted");
    case 7: return T("bus error");
    case 8: return T("floating point exception");
    case 9: return T("killed");
    case 11: return T("segmentation fault");
    case 13: return T("broken pipe");
    case 14: return T("alarm clock");
    case 15: return T("terminated");
    default: return JOIN(T("signal "), text_of_number((uint64_t)signal));
    }
}

static struct text hint_for(int error) {
    return error == ERROR_ACCESS        ? T("the file must be executable for the user of the container")
           : error == ERROR_NOT_FOUND   ? T("the program or the interpreter named in its first line does not exist")
           : error == ERROR_EXEC_FORMAT ? T("it is neither a program for this processor nor a script that begins with #!")
                                        : NO_HINT;
}

static void check_end(struct child *child) {
    int error = 0;
    if (kernel_read(child->complaint, &error, sizeof error) == sizeof error) {
        fail_child(child, JOIN(T("fork/exec "), child->program, T(": "), reason_of(error)), hint_for(error));
    }
    kernel_close(child->complaint);
    int signal = child->status & 0x7f;
    int code = child->status >> 8 & 0xff;
    if (signal != 0) {
        bool core = (child->status & 0x80) != 0;
        fail_child(child, JOIN(T("signal: "), signal_name(signal), core ? T(" (core dumped)") : T("")), NO_HINT);
    }
    if (code != 0) {
        fail_child(child, JOIN(T("exit status "), text_of_number((uint64_t)code)), NO_HINT);
    }
}

struct text child_output(struct text program, char *const *environment) {
    struct child child = {.program = program, .output = -1};
    hold_signals(&child);
    start(&child, environment);
    listen(&child);
    if (child.stopped_by != 0) {
        stop(&child);
    }
    release_signals(&child);
    check_end(&child);
    return (struct text){child.bytes, child.size};
}
