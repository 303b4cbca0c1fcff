#include <actor/error.hpp>
#include <algorithm>
#include <shm/pool.hpp>

namespace actor::shm {
namespace {

std::uint64_t round_up(std::uint64_t value, std::uint64_t to) {
  return (value + to - 1) / to * to;
}

}  // namespace

Pool::Pool(std::uint64_t budget_bytes, ExtentEvents events)
    : budget_bytes_(budget_bytes / Tlsf::granule_bytes * Tlsf::granule_bytes), events_(std::move(events)) {}

Pool::ChunkId Pool::allocate(std::uint64_t bytes) {
  HotChunks& hot = hot_chunks(round_up(bytes, Tlsf::granule_bytes));
  if (hot.count != 0 && hot.bytes == round_up(bytes, Tlsf::granule_bytes)) [[likely]] {
    const ChunkId chunk = hot.take();
    hot_bytes_ -= hot.bytes;
    chunks_[chunk].references = 1;
    return chunk;
  }
  return allocate_in_extents(bytes);
}

Pool::ChunkId Pool::allocate_in_extents(std::uint64_t bytes) {
  for (auto& extent : extents_) {
    if (!usable(*extent)) return no_chunk;  // one at a time is on its way
    if (const ChunkId chunk = allocate_in(*extent, bytes); chunk != no_chunk) return chunk;
  }
  if (cool()) return allocate_in_extents(bytes);
  Extent* added = add_extent(bytes);
  return added && usable(*added) ? allocate_in(*added, bytes) : no_chunk;
}

Pool::ChunkId Pool::allocate_in(Extent& extent, std::uint64_t bytes) {
  const auto block = extent.allocator.allocate(bytes);
  if (!block) return no_chunk;
  ChunkId id;
  if (unused_.empty()) {
    id = static_cast<ChunkId>(chunks_.size());
    chunks_.emplace_back();
  } else {
    id = unused_.back();
    unused_.pop_back();
  }
  chunks_[id] = {extent.segment.data() + block->offset, 1, extent.id,
                 static_cast<std::uint32_t>(block->offset / Tlsf::granule_bytes), *block};
  return id;
}

Pool::Extent* Pool::add_extent(std::uint64_t bytes) {
  shortage_.reset();
  const std::uint64_t wanted = std::max(extent_bytes, round_up(bytes, Tlsf::granule_bytes));
  const std::uint64_t left = budget_bytes_ - extents_bytes_;
  const std::uint64_t size = std::min(wanted, left);
  if (size < bytes || size == 0 || extents_.size() >= most_extents(budget_bytes_)) {
    // The budget is taken up by extents too small for this payload: those that hold nothing can make way.
    if (!has_spare_extents() && !(extents_.size() == 1 && extents_.front()->allocator.empty())) return nullptr;
    std::erase_if(extents_, [this](const auto& extent) {
      if (!extent->allocator.empty()) return false;
      extents_bytes_ -= extent->segment.bytes();
      events_.dropped(extent->id);
      return true;
    });
    if (budget_bytes_ - extents_bytes_ < bytes) return nullptr;
    return add_extent(bytes);
  }
  try {
    return make_extent(size);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Io) throw;
    shortage_ = error;  // no descriptor or no memory is left for it: as good as a budget that is used up
    return nullptr;
  }
}

/// Whatever is thrown: nothing has changed.
Pool::Extent* Pool::make_extent(std::uint64_t bytes) {
  const std::uint32_t id = next_extent_++;
  extents_.reserve(extents_.size() + 1);
  auto extent = std::make_unique<Extent>(Extent{id, OwnedSegment::create("actor-extent", bytes), Tlsf(bytes)});
  // The readers must be able to find it before the first slot that refers to it.
  events_.added(id, bytes, extent->segment.fd());
  extents_bytes_ += bytes;
  extents_.insert(extents_.begin(), std::move(extent));
  return extents_.front().get();
}

Pool::Extent& Pool::extent_of(const Chunk& chunk) {
  for (std::size_t i = 0; i < extents_.size(); ++i) {
    if (extents_[i]->id != chunk.extent) continue;
    if (i != 0) std::swap(extents_[0], extents_[i]);  // hottest first
    return *extents_[0];
  }
  ACTOR_ASSERT(false, "a chunk's extent lives as long as the chunk");
  return *extents_.front();
}

void Pool::free(ChunkId id) {
  const std::uint64_t bytes = chunks_[id].block.bytes;
  HotChunks& hot = hot_chunks(bytes);
  if (hot.bytes != bytes) {  // another size was here
    cool(hot);
    hot.bytes = bytes;
  }
  if (hot.count == most_hot_chunks || hot_bytes_ + bytes > most_hot_bytes) return give_back(id);
  hot.put(id);
  hot_bytes_ += bytes;
}

bool Pool::cool() {
  if (hot_bytes_ == 0) return false;
  for (HotChunks& hot : hot_) cool(hot);
  return true;
}

void Pool::cool(HotChunks& hot) {
  hot_bytes_ -= hot.bytes * hot.count;
  while (hot.count != 0) give_back(hot.take());
}

void Pool::give_back(ChunkId id) {
  const Chunk& chunk = chunks_[id];
  extent_of(chunk).allocator.free(chunk.block.id);
  unused_.push_back(id);
}

std::uint64_t Pool::used_bytes() const {
  std::uint64_t used = 0;
  for (const auto& extent : extents_) used += extent->allocator.used_bytes();
  return used - hot_bytes_;
}

bool Pool::has_spare_extents() {
  if (extents_.size() <= 1) return false;
  cool();
  return std::any_of(extents_.begin(), extents_.end(), [](const auto& extent) { return extent->allocator.empty(); });
}

void Pool::drop_spare_extents() {
  while (has_spare_extents()) {
    const auto spare =
        std::find_if(extents_.rbegin(), extents_.rend(), [](const auto& extent) { return extent->allocator.empty(); });
    extents_bytes_ -= (*spare)->segment.bytes();
    events_.dropped((*spare)->id);
    extents_.erase(std::next(spare).base());
  }
}

}  // namespace actor::shm
