/** CPU time of this thread so far: unlike a clock, it stands still while others have the processor. */
export function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
