/** Bytes as Python writes them, the spelling of the header listings. */
function literal(bytes: Buffer): string {
  const named: Record<number, string> = { 9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\" };
  const chars = [...bytes].map((byte) => {
    if (named[byte] !== undefined) return named[byte];
    return byte >= 32 && byte < 127 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `b'${chars.join("")}'`;
}

/** The bytes without the NULs behind them. */
function trimmed(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return bytes.subarray(0, end);
}

/**
 * The headers of an archive, one line each, as the listing of the reference's layers has them (which cuts long links
 * and prefixes; the checksum covers all of them).
 */
export function dumpHeaders(archive: Buffer): string {
  const lines: string[] = [];
  for (let at = 0; at < archive.length; ) {
    const block = archive.subarray(at, at + 512);
    const field = (from: number, to: number) => block.subarray(from, to);
    const start = at;
    at += 512;
    if (block.every((byte) => byte === 0)) {
      lines.push(`${start}: zero block`);
      continue;
    }
    const flag = block.toString("latin1", 156, 157);
    lines.push(
      [
        `${start} '${flag}'`,
        `name= ${literal(trimmed(field(0, 100)))}`,
        `mode= ${literal(field(100, 108))}`,
        `uid= ${literal(field(108, 116))}`,
        `gid= ${literal(field(116, 124))}`,
        `size= ${literal(field(124, 136))}`,
        `mtime= ${literal(field(136, 148))}`,
        `ck= ${literal(field(148, 156))}`,
        `link= ${literal(trimmed(field(157, 257)).subarray(0, 40))}`,
        `magic= ${literal(field(257, 265))}`,
        `un= ${literal(trimmed(field(265, 329)))}`,
        `dev= ${literal(field(329, 345))}`,
        `prefix= ${literal(trimmed(field(345, 500)).subarray(0, 60))}`,
        `rest= ${literal(trimmed(field(500, 512)))}`,
      ].join(" "),
    );
    const size = Number.parseInt(block.toString("latin1", 124, 135), 8);
    if (flag === "x") lines.push(`   PAX: ${literal(archive.subarray(at, at + size))}`);
    at += Math.ceil(size / 512) * 512;
  }
  return [...lines, `total ${archive.length}`].join("\n");
}
