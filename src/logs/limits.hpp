// Every limit of the log store, and what happens there.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace footman::logs {

// One call. Larger appends and too many marks are refused as invalid_argument; reads and mark lists end early
// and the caller asks again from where they ended.
inline constexpr std::size_t kMaxAppendBytes = 16 * 1024 * 1024;
inline constexpr std::size_t kMaxMarksInAppend = 64 * 1024;
inline constexpr std::size_t kMaxReadBytes = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxMarksInAnswer = 64 * 1024;

// By so much an index may be larger than its log; beyond, time marks are dropped.
inline constexpr std::size_t kMaxIndexLeadBytes = 512 * 1024;

// A wait ends after this at the latest; the caller asks again.
inline constexpr std::chrono::hours kMaxWait{24};

// Bytes of all appends that wait for the disk; beyond: unavailable, the caller keeps its bytes and tries
// again.
inline constexpr std::size_t kMaxBytesUnderWay = 512 * 1024 * 1024;

// Appends of one writer that share their syncs. What arrives beyond them goes into the next batch.
inline constexpr std::size_t kMaxBatchBytes = 8 * 1024 * 1024;
inline constexpr std::size_t kMaxBatchCalls = 512;

// What a process that died can have left written but not synced in one stream.
inline constexpr std::size_t kMaxUnsyncedBytes = kMaxBatchBytes + kMaxAppendBytes;

inline constexpr std::size_t kWriters = 4;  // threads; a stream always has the same one
inline constexpr std::size_t kReaders = 2;  // threads

// Per writer: streams whose files stay open (two descriptors each) and streams whose size is remembered.
// Beyond: the ones that were not used for longest are closed and looked up again when they are.
inline constexpr std::size_t kMaxOpenStreams = 64;
inline constexpr std::size_t kMaxKnownStreams = 2048;

// Finished logs below this size stay as they are: a file system block is the least they can take anyway.
inline constexpr std::uint64_t kCompressFromBytes = 4096;
// Decompressed size of a frame: what has to be decompressed for reading one byte.
inline constexpr std::size_t kFrameBytes = 256 * 1024;
inline constexpr std::size_t kMaxFrames = 256 * 1024;  // 64 GiB of log; larger logs are not compressed
inline constexpr int kCompressionLevel = 3;
inline constexpr std::size_t kMaxCompressionQueue =
    64 * 1024;                                                // beyond: found again by a walk over the files
inline constexpr std::chrono::seconds kCompressionRetry{60};  // after an error, such as no space

// Per reader: compressed logs that stay open, with their seek tables and last frames.
inline constexpr std::size_t kMaxOpenArchives = 8;

inline constexpr std::int64_t kStreamsPerBucket = 1000;

}  // namespace footman::logs
