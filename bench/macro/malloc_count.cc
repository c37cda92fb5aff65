// Preloaded into a program, counts its calls of malloc, calloc, realloc and free in a file that
// bench/run maps and reads: four 64-bit counters in this order. REMUDA_MALLOC_COUNT names the file,
// which must exist and hold 32 bytes. Any thread.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

// glibc's own names for the functions we stand before.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* block);
}

namespace {

struct Counters {
  std::atomic<uint64_t> mallocs, callocs, reallocs, frees;
};
static_assert(sizeof(Counters) == 32);

Counters before_mapping;
Counters* counters = &before_mapping;

__attribute__((constructor)) void map_counters() {
  const char* path = std::getenv("REMUDA_MALLOC_COUNT");
  const int fd = path == nullptr ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* mapped = mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) counters = static_cast<Counters*>(mapped);
}

void count(std::atomic<uint64_t>& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

extern "C" {

void* malloc(size_t size) {
  count(counters->mallocs);
  return __libc_malloc(size);
}

void* calloc(size_t number, size_t size) {
  count(counters->callocs);
  return __libc_calloc(number, size);
}

void* realloc(void* block, size_t size) {
  count(counters->reallocs);
  return __libc_realloc(block, size);
}

void free(void* block) {
  if (block != nullptr) count(counters->frees);
  __libc_free(block);
}

void* memalign(size_t alignment, size_t size) {
  count(counters->mallocs);
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}

int posix_memalign(void** block, size_t alignment, size_t size) {
  *block = memalign(alignment, size);
  return *block == nullptr ? ENOMEM : 0;
}

}  // extern "C"
