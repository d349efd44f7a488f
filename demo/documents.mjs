// documents: what the shop writes as PDF: the confirmation of an order, the report of a category's sales. Pure: rows in,
// bytes out.
import { bar, heading, pdf, text } from './pdf.mjs';

const money = (cents) => (Number(cents) / 100).toFixed(2).replace(/\B(?=(\d{3})+\.)/g, ',');
const day = (date) => new Date(date).toISOString().slice(0, 10);

export function confirmation(order, lines, earlier) {
  return pdf([
    heading(`Order ${order.id}`), text(`${order.name}, ${day(order.created_at)}`), text(''),
    ...lines.map((l) => text(`${l.quantity} x ${l.name}   ${money(l.quantity * l.price_cents)}`)), text(''),
    heading(`Total ${money(lines.reduce((sum, l) => sum + l.quantity * l.price_cents, 0))}`), text(''),
    text('Your orders before this one'),
    ...earlier.map((o) => text(`Order ${o.id}, ${day(o.created_at)}, ${o.status}`, 9)),
  ]);
}

export function sales_report(category, months, products) {
  const most = Math.max(1, ...months.map((m) => Number(m.cents)));
  return pdf([
    heading(`Sales of category ${category.id}: ${category.name}`), text(''),
    ...months.map((m) => bar(day(m.month).slice(0, 7), Number(m.cents) / most,
      `${money(m.cents)}   ${m.orders} orders, ${m.customers} customers`)), text(''),
    heading('Products'),
    ...products.map((p, i) => text(`${i + 1}. ${p.name}   ${p.sold} sold   ${money(p.cents)}`, 9)),
  ]);
}
