// faults_preload: what a test wants of the disk and the wall clock, put before libc by LD_PRELOAD.
//
// Problem: a full disk, a slow one, an fsync that fails and a clock that jumps cannot be had from the kernel without being
// root, and a test of one process must not have them for the machine.
//
// Flow:  LD_PRELOAD=libfairing_faults.so FAIRING_FAULTS=FILE fairing run ...
//        LD_PRELOAD=libfairing_faults.so FAIRING_SYNC_LEAST_US=1000 fairing run ...
// FILE is mapped and holds `struct faults`, which the test changes while the program runs (support/faults.py). Only files
// whose names have ".db" in them are concerned; the clock is everybody's. Without FILE nothing is changed.
// FAIRING_SYNC_LEAST_US is a slower disk: each fsync and fdatasync, of any file, takes at least so long (bench/versus).
// Threads: any; the counters are atomic.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct faults {
  _Atomic int64_t clock_ms;     // added to the wall clock
  _Atomic int64_t sync_errno;   // what fsync and fdatasync fail with
  _Atomic int64_t sync_fails;   // how many of the next ones; -1: all
  _Atomic int64_t write_errno;  // the same of writes
  _Atomic int64_t write_fails;
  _Atomic int64_t free_bytes;    // what statvfs says is free; -1: the truth
  _Atomic int64_t failed_syncs;  // counted here
  _Atomic int64_t failed_writes;
};

static struct faults* faults;
static int64_t sync_least_ns;

__attribute__((constructor)) static void read_environment(void) {
  const char* least_us = getenv("FAIRING_SYNC_LEAST_US");
  if (least_us != NULL) sync_least_ns = 1000 * strtoll(least_us, NULL, 10);
  const char* path = getenv("FAIRING_FAULTS");
  if (path == NULL) return;
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    perror(path);
    abort();
  }
  void* at = mmap(NULL, sizeof(struct faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (at == MAP_FAILED) abort();
  faults = at;
}

// Looked up at the first call: a constructor of another library may be earlier than ours.
#define NEXT(name)                                    \
  ({                                                  \
    static void* _Atomic next;                        \
    if (next == NULL) next = dlsym(RTLD_NEXT, #name); \
    (__typeof__(&name))next;                          \
  })

static int is_database(int fd) {
  char link[64];
  char path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size <= 0) return 0;
  path[size] = 0;
  const char* name = strrchr(path, '/');
  return name != NULL && strstr(name, ".db") != NULL;
}

// 1: this call fails, errno is set.
static int strikes(_Atomic int64_t* fails, _Atomic int64_t* with, _Atomic int64_t* count, int fd) {
  int64_t left = atomic_load(fails);
  if (left == 0 || !is_database(fd)) return 0;
  while (left > 0 && !atomic_compare_exchange_weak(fails, &left, left - 1)) {
  }
  if (left == 0) return 0;
  atomic_fetch_add(count, 1);
  errno = (int)atomic_load(with);
  return 1;
}

static int sync_strikes(int fd) {
  return faults != NULL &&
         strikes(&faults->sync_fails, &faults->sync_errno, &faults->failed_syncs, fd);
}
static int write_strikes(int fd) {
  return faults != NULL &&
         strikes(&faults->write_fails, &faults->write_errno, &faults->failed_writes, fd);
}

// Whoever waits for a disk sleeps: the rest of the time is slept, too, and costs no CPU.
static int sync_slowly(int (*sync)(int), int fd) {
  if (sync_least_ns == 0) return sync(fd);
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += sync_least_ns % 1000000000;
  until.tv_sec += sync_least_ns / 1000000000 + until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  const int code = sync(fd);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
  }
  return code;
}

int fsync(int fd) { return sync_strikes(fd) ? -1 : sync_slowly(NEXT(fsync), fd); }
int fdatasync(int fd) { return sync_strikes(fd) ? -1 : sync_slowly(NEXT(fdatasync), fd); }
ssize_t write(int fd, const void* from, size_t size) {
  return write_strikes(fd) ? -1 : NEXT(write)(fd, from, size);
}
ssize_t pwrite(int fd, const void* from, size_t size, off_t at) {
  return write_strikes(fd) ? -1 : NEXT(pwrite)(fd, from, size, at);
}
ssize_t pwrite64(int fd, const void* from, size_t size, off64_t at) {
  return write_strikes(fd) ? -1 : NEXT(pwrite64)(fd, from, size, at);
}

int statvfs(const char* restrict path, struct statvfs* restrict out) {
  const int code = NEXT(statvfs)(path, out);
  const int64_t bytes = faults == NULL ? -1 : atomic_load(&faults->free_bytes);
  if (code == 0 && bytes >= 0) out->f_bavail = (fsblkcnt_t)bytes / out->f_frsize;
  return code;
}

static int64_t offset_ms(void) { return faults == NULL ? 0 : atomic_load(&faults->clock_ms); }

int clock_gettime(clockid_t clock, struct timespec* out) {
  const int code = NEXT(clock_gettime)(clock, out);
  if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    const int64_t ns = (int64_t)out->tv_nsec + offset_ms() % 1000 * 1000000;
    out->tv_sec += offset_ms() / 1000 + (ns < 0 ? -1 : ns / 1000000000);
    out->tv_nsec = ns < 0 ? ns + 1000000000 : ns % 1000000000;
  }
  return code;
}
int gettimeofday(struct timeval* restrict out, void* restrict zone) {
  (void)zone;
  struct timespec now;
  const int code = clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return code;
}
time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}
