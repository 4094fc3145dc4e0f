export const chartWords = {
  showTable: "Show as a table",
  showChart: "Show as a chart",
  time: "Time",
  noValue: "no value",
  summary: (title: string, lines: string) => `${title}. ${lines}`,
  line: (name: string, latest: string, highest: string) => `${name}: latest ${latest}, highest ${highest}.`,
} as const;
