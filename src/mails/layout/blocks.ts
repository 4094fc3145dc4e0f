/** The parts of a mail. Each is shown as HTML and as text, and cleans and shortens what it shows. */
import { type Html, html } from "../../platform/html.ts";
import { lines, oneLine } from "./plain.ts";

export interface Block {
  readonly html: Html;
  readonly text: string;
}

const MAX_PARAGRAPH = 10_000;
const MAX_LABEL = 60;
const MAX_VALUE = 200;
const MAX_ITEMS = 12;
const TEXT_BAR = 20;

const CELL = "padding:6px 0;vertical-align:top;border-bottom:1px solid #dfe3e8;";

export function paragraph(text: string): Block {
  const shown = lines(text, MAX_PARAGRAPH);
  const pieces = shown.split("\n").map((line, at) => (at === 0 ? html`${line}` : html`<br>${line}`));
  return {
    html: html`<p style="margin:0 0 16px;overflow-wrap:anywhere;">${pieces}</p>`,
    text: shown,
  };
}

/** @param url a link that Rowmill has made */
export function button(label: string, url: string): Block {
  return {
    html: html`<p style="margin:8px 0 24px;"><a href="${url}" style="display:inline-block;padding:12px 20px;border-radius:6px;background:#1f5fbf;color:#ffffff;font-weight:600;text-decoration:none;">${label}</a></p>`,
    text: `${label}:\n${url}`,
  };
}

export function facts(rows: readonly (readonly [label: string, value: string | number])[]): Block {
  const shown = rows
    .slice(0, MAX_ITEMS)
    .map(([label, value]) => [oneLine(label, MAX_LABEL), oneLine(shownNumber(value), MAX_VALUE)] as const);
  const width = Math.max(0, ...shown.map(([label]) => label.length));
  const cells = shown.map(
    ([label, value]) =>
      html`<tr><td class="quiet" style="${CELL}padding-right:16px;color:#5b6672;">${label}</td><td align="right" style="${CELL}overflow-wrap:anywhere;">${value}</td></tr>`,
  );
  return {
    html: tableOf(cells),
    text: shown.map(([label, value]) => `${label.padEnd(width)}  ${value}`).join("\n"),
  };
}

export interface Bar {
  readonly label: string;
  readonly value: number;
}

/** The longest bar stands for the highest value. */
export function bars(title: string, all: readonly Bar[]): Block {
  const shown = all.slice(0, MAX_ITEMS).map(({ label, value }) => ({
    label: oneLine(label, MAX_LABEL),
    value: Number.isFinite(value) ? value : 0,
  }));
  const highest = Math.max(1, ...shown.map(({ value }) => value));
  const width = Math.max(0, ...shown.map(({ label }) => label.length));
  const lengthOf = (value: number, full: number) => Math.max(0, Math.round((value / highest) * full));
  const rows = shown.map(
    ({ label, value }) =>
      html`<tr><td style="padding:4px 12px 4px 0;width:40%;overflow-wrap:anywhere;">${label}</td><td style="padding:4px 0;width:45%;"><div style="width:${lengthOf(value, 100)}%;min-width:${value > 0 ? 2 : 0}px;height:12px;border-radius:2px;background:#4f8fe6;"></div></td><td align="right" style="padding:4px 0 4px 12px;white-space:nowrap;">${shownNumber(value)}</td></tr>`,
  );
  const numbers = Math.max(0, ...shown.map(({ value }) => shownNumber(value).length));
  const text = shown.map(({ label, value }) =>
    `${label.padEnd(width)}  ${shownNumber(value).padStart(numbers)}  ${"#".repeat(lengthOf(value, TEXT_BAR))}`.trimEnd(),
  );
  return {
    html: html`${heading(title)}${tableOf([...rows, restOf(all)])}`,
    text: [`${title}:`, ...text, ...textOfRest(all)].join("\n"),
  };
}

export function list(title: string, all: readonly string[]): Block {
  const shown = all.slice(0, MAX_ITEMS).map((item) => oneLine(item, MAX_VALUE));
  const items = shown.map((item) => html`<li style="margin:0 0 6px;overflow-wrap:anywhere;">${item}</li>`);
  return {
    html: html`${heading(title)}<ul style="margin:0 0 20px;padding-left:20px;">${items}</ul>${tableOf([restOf(all)])}`,
    text: [`${title}:`, ...shown.map((item) => `- ${item}`), ...textOfRest(all)].join("\n"),
  };
}

export function shownNumber(value: unknown): string {
  return typeof value === "number" ? value.toLocaleString("en-US") : String(value);
}

function heading(title: string): Html {
  return html`<h2 style="margin:0 0 8px;font-size:15px;">${title}</h2>`;
}

function tableOf(rows: readonly Html[]): Html {
  if (rows.every(({ text }) => text === "")) return html``;
  return html`<table role="presentation" width="100%" cellspacing="0" cellpadding="0" style="margin:0 0 20px;border-collapse:collapse;">${rows}</table>`;
}

function textOfRest(all: readonly unknown[]): string[] {
  return all.length > MAX_ITEMS ? [`... and ${all.length - MAX_ITEMS} more`] : [];
}

function restOf(all: readonly unknown[]): Html {
  const [more] = textOfRest(all);
  if (!more) return html``;
  return html`<tr><td class="quiet" colspan="3" style="padding:6px 0;color:#5b6672;">${more}</td></tr>`;
}
