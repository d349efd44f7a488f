// pdf: a small real PDF (1.4) of lines of text and bars: A4, Helvetica, pages compressed, a cross-reference table. No library.
//
//   const bytes = pdf([heading('Order 7'), text('1 x Oak chair'), bar('Jan', 0.4, '1,200.00'), text('')]);
import zlib from 'node:zlib';

const width = 595, height = 842, margin = 56;
export const text = (line, size = 10) => ({ height: size * 1.5, draw: (y) => words(margin, y, size, line) });
export const heading = (line) => text(line, 16);
// `share` of the full length, with words on both sides.
export const bar = (name, share, value) => ({ height: 15, draw: (y) =>
  `${words(margin, y, 9, name)}0.25 0.45 0.7 rg ${margin + 90} ${y - 2} ${(250 * share).toFixed(1)} 9 re f 0 g\n` +
  words(margin + 350, y, 9, value) });

function words(x, y, size, line) {
  const latin = String(line).replace(/[^\x20-\x7e]/g, '?').replace(/[\\()]/g, '\\$&');
  return `BT /F1 ${size} Tf ${x} ${y.toFixed(1)} Td (${latin}) Tj ET\n`;
}

function pages_of(blocks) {
  const pages = [];
  let y = 0;
  for (const block of blocks) {
    if (!pages.length || y - block.height < margin) {
      pages.push('');
      y = height - margin;
    }
    y -= block.height;
    pages[pages.length - 1] += block.draw(y);
  }
  return pages.length ? pages : [''];
}

export function pdf(blocks) {
  const pages = pages_of(blocks);
  const objects = ['<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Count ${pages.length} /Kids [${pages.map((_, i) => `${4 + 2 * i} 0 R`).join(' ')}] >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>'];
  for (const [i, page] of pages.entries()) {
    const stream = zlib.deflateSync(page, { level: 9 });
    objects.push(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${width} ${height}] /Contents ${5 + 2 * i} 0 R ` +
      '/Resources << /Font << /F1 3 0 R >> >> >>');
    objects.push(Buffer.concat([Buffer.from(`<< /Filter /FlateDecode /Length ${stream.length} >>\nstream\n`), stream,
      Buffer.from('\nendstream')]));
  }
  const parts = [Buffer.from('%PDF-1.4\n')];
  let at = parts[0].length;
  const offsets = objects.map((object, i) => {
    const begins = at;
    const whole = Buffer.concat([Buffer.from(`${i + 1} 0 obj\n`), Buffer.from(object), Buffer.from('\nendobj\n')]);
    parts.push(whole);
    at += whole.length;
    return begins;
  });
  const table = offsets.map((o) => `${String(o).padStart(10, '0')} 00000 n \n`).join('');
  parts.push(Buffer.from(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}` +
    `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${at}\n%%EOF\n`));
  return Buffer.concat(parts);
}

// The text of a PDF made here; throws where it is none. For the load's check.
export function text_of(bytes) {
  const begin = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(bytes.subarray(-64).toString('latin1'))?.[1]);
  if (!bytes.subarray(0, 5).equals(Buffer.from('%PDF-')) || bytes.subarray(begin, begin + 5).toString() !== 'xref\n')
    throw new Error('no PDF');
  const whole = bytes.toString('latin1');
  let out = '';
  for (const m of whole.matchAll(/\/Length (\d+) >>\nstream\n/g)) {
    const from = m.index + m[0].length;
    out += zlib.inflateSync(bytes.subarray(from, from + Number(m[1]))).toString('latin1');
  }
  return out;
}
