// The station's parsers against what kernels really print, and against what they never should.

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "station/sensors/parse.hpp"

namespace station {
namespace {

constexpr const char* proc_stat =
    "cpu  54660 19157 10302 362221 2153 0 486 35 0 0\n"
    "cpu0 19583 4863 3618 195839 499 0 35 16 0 0\n"
    "cpu1 35076 14293 6684 166381 1654 0 450 19 0 0\n"
    "intr 1099701 0 0 0 0\n"
    "ctxt 1877941\n"
    "btime 1795365756\n"
    "softirq 784014 0 60483 4 9918 488854 0 5 90773 0 133977\n";

constexpr const char* proc_meminfo =
    "MemTotal:       24683656 kB\n"
    "MemFree:        23473260 kB\n"
    "MemAvailable:   24166500 kB\n"
    "Buffers:            8156 kB\n"
    "SwapCached:            0 kB\n"
    "SwapTotal:        102396 kB\n"
    "SwapFree:          51198 kB\n"
    "HugePages_Total:       0\n";

constexpr const char* proc_diskstats =
    "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
    " 254       0 vda 152520 32548 6897298 93995 348648 75768 10950560 47357 0 36380 150862 73870 93 5871248 5646 "
    "77748 "
    "3863\n"
    " 179       1 mmcblk0p1 205 1058 12374 530 2 0 2 0 0 240 530\n"  // kernel 4.x: 11 numbers
    " 253       0 zram0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

constexpr const char* proc_net_dev =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier "
    "compressed\n"
    "    lo:    3367      31    0    0    0     0          0         0     3367      31    0    0    0     0       0 "
    "         0\n"
    "  ifb0:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0 "
    "         0\n"
    "  eth0: 328588501    8051    2    0    0     0          0         0   436313    5753    1    0    0     0       0 "
    "         0\n"
    "wlan0:123 1 0 0 0 0 0 0 456 1 0 0 0 0 0 0\n"
    "eth0:1: 7 1 0 0 0 0 0 0 8 1 0 0 0 0 0 0\n";

TEST(StationParse, ReadsTheLineOfAllCpus) {
  const auto cpu = parse_proc_stat(proc_stat);
  ASSERT_TRUE(cpu);
  EXPECT_EQ(cpu->user, 54660u);
  EXPECT_EQ(cpu->nice, 19157u);
  EXPECT_EQ(cpu->system, 10302u);
  EXPECT_EQ(cpu->idle, 362221u);
  EXPECT_EQ(cpu->iowait, 2153u);
  EXPECT_EQ(cpu->irq, 0u);
  EXPECT_EQ(cpu->softirq, 486u);
  EXPECT_EQ(cpu->steal, 35u);
}

TEST(StationParse, TakesStealForZeroWhereTheKernelHasNone) {
  const auto cpu = parse_proc_stat("cpu  1 2 3 4 5 6 7\n");
  ASSERT_TRUE(cpu);
  EXPECT_EQ(cpu->softirq, 7u);
  EXPECT_EQ(cpu->steal, 0u);
}

TEST(StationParse, ReadsTheLargestCounterAndRefusesALargerOne) {
  const auto cpu = parse_proc_stat("cpu  18446744073709551615 0 0 0 0 0 0 0\n");
  ASSERT_TRUE(cpu);
  EXPECT_EQ(cpu->user, 18446744073709551615u);
  EXPECT_FALSE(parse_proc_stat("cpu  18446744073709551616 0 0 0 0 0 0 0\n"));
  EXPECT_FALSE(parse_counter("18446744073709551616"));
}

TEST(StationParse, RefusesAStatThatIsTruncatedOrGarbage) {
  EXPECT_FALSE(parse_proc_stat(""));
  EXPECT_FALSE(parse_proc_stat("cpu"));
  EXPECT_FALSE(parse_proc_stat("cpu  54660 19157 10302 362221 2153 0"));
  EXPECT_FALSE(parse_proc_stat("cpu  1 2 3 -4 5 6 7 8\n"));
  EXPECT_FALSE(parse_proc_stat("cpu  1 2 3 4x 5 6 7 8\n"));
  EXPECT_FALSE(parse_proc_stat("cpu0 1 2 3 4 5 6 7 8\n"));
  EXPECT_FALSE(parse_proc_stat(std::string_view("\0\0\0\n\0cpu\xff", 9)));
}

TEST(StationParse, ReadsMemoryInBytes) {
  const auto memory = parse_meminfo(proc_meminfo);
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->total, 24683656ull * 1024);
  EXPECT_EQ(memory->available, 24166500ull * 1024);
  EXPECT_EQ(memory->swap_total, 102396u * 1024u);
  EXPECT_EQ(memory->swap_free, 51198u * 1024u);
}

TEST(StationParse, ReadsMemoryWithoutSwap) {
  const auto memory = parse_meminfo("MemTotal: 100 kB\nMemAvailable: 40 kB");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->available, 40960u);
  EXPECT_EQ(memory->swap_total, 0u);
}

TEST(StationParse, RefusesMemoryWithAnythingMissingOrInAnotherUnit) {
  EXPECT_FALSE(parse_meminfo(""));
  EXPECT_FALSE(parse_meminfo("MemTotal: 100 kB\n"));
  EXPECT_FALSE(parse_meminfo("MemTotal: 100 kB\nMemAvailable: 40 MB\n"));
  EXPECT_FALSE(parse_meminfo("MemTotal: 100 kB\nMemAvailable: 40"));
  EXPECT_FALSE(parse_meminfo("MemTotal: 100 kB\nMemAvailable: 18446744073709551615 kB\n"));
}

TEST(StationParse, ReadsDisksOfOldAndNewKernelsAndLeavesOutIdleOnes) {
  const auto disks = parse_diskstats(proc_diskstats);
  ASSERT_EQ(disks.size(), 2u);
  EXPECT_EQ(disks[0].device, "vda");
  EXPECT_EQ(disks[0].sectors_read, 6897298u);
  EXPECT_EQ(disks[0].sectors_written, 10950560u);
  EXPECT_EQ(disks[0].busy_ms, 36380u);
  EXPECT_EQ(disks[1].device, "mmcblk0p1");
  EXPECT_EQ(disks[1].busy_ms, 240u);
}

TEST(StationParse, SkipsTheDiskLinesThatAreBroken) {
  EXPECT_TRUE(parse_diskstats("").empty());
  EXPECT_TRUE(parse_diskstats(" 254 0 vda 1 2 3\n 254 vda 1 2 3 4 5 6 7 8 9 10 11\nx y z\n\n\n").empty());
  const auto disks = parse_diskstats("garbage\n 8 0 sda 1 1 1 1 1 1 1 1 1 1 1\n 8 1 sda1 1 1 1");
  ASSERT_EQ(disks.size(), 1u);
  EXPECT_EQ(disks[0].device, "sda");
}

TEST(StationParse, ReadsInterfacesWhoseNameTouchesTheNumberOrHoldsAColon) {
  const auto interfaces = parse_net_dev(proc_net_dev);
  ASSERT_EQ(interfaces.size(), 3u);
  EXPECT_EQ(interfaces[0].interface, "eth0");
  EXPECT_EQ(interfaces[0].received_bytes, 328588501u);
  EXPECT_EQ(interfaces[0].receive_errors, 2u);
  EXPECT_EQ(interfaces[0].sent_bytes, 436313u);
  EXPECT_EQ(interfaces[0].send_errors, 1u);
  EXPECT_EQ(interfaces[1].interface, "wlan0");
  EXPECT_EQ(interfaces[1].received_bytes, 123u);
  EXPECT_EQ(interfaces[2].interface, "eth0:1");
  EXPECT_EQ(interfaces[2].received_bytes, 7u);
}

TEST(StationParse, SkipsTheInterfaceLinesThatAreBroken) {
  EXPECT_TRUE(parse_net_dev("").empty());
  EXPECT_TRUE(parse_net_dev("eth0: 1 2 3\n: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\neth1 1 1 1 1\n:").empty());
}

TEST(StationParse, ReadsATemperatureBelowZeroAndRefusesWhatIsNone) {
  EXPECT_EQ(parse_millidegrees("48312\n"), 48312);
  EXPECT_EQ(parse_millidegrees("-5500\n"), -5500);
  EXPECT_EQ(parse_millidegrees("0"), 0);
  EXPECT_FALSE(parse_millidegrees(""));
  EXPECT_FALSE(parse_millidegrees("\n"));
  EXPECT_FALSE(parse_millidegrees("48.3\n"));
  EXPECT_FALSE(parse_millidegrees("48312 C\n"));
  EXPECT_FALSE(parse_millidegrees("-274000\n"));
  EXPECT_FALSE(parse_millidegrees("99999999999999999999\n"));
}

TEST(StationParse, SurvivesEveryTruncationAndRandomDamageOfRealText) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (const std::string text : {proc_stat, proc_meminfo, proc_diskstats, proc_net_dev}) {
    for (std::size_t size = 0; size <= text.size(); ++size) {
      std::string damaged = text.substr(0, size);
      for (int round = 0; round < 2; ++round) {
        parse_proc_stat(damaged);
        parse_meminfo(damaged);
        for (const auto& disk : parse_diskstats(damaged)) EXPECT_FALSE(disk.device.empty());
        for (const auto& interface : parse_net_dev(damaged)) EXPECT_FALSE(interface.interface.empty());
        parse_millidegrees(damaged);
        if (!damaged.empty()) damaged[random() % damaged.size()] = static_cast<char>(random());
      }
    }
  }
}

}  // namespace
}  // namespace station
