import { describe, expect, test } from "vitest";
import {
  type Edge,
  layOut,
  NODE_HEIGHT,
  NODE_WIDTH,
  pathOf,
} from "../../src/console/pages/workflows/graph/layout.ts";
import {
  beginning,
  isVisible,
  reveal,
  showAll,
  zoom,
} from "../../src/console/pages/workflows/graph/viewport.ts";

const edges = (...pairs: string[]): Edge[] =>
  pairs.map((pair) => {
    const [from = "", to = ""] = pair.split(">");
    return { from, to };
  });

const levelsOf = (names: string[], list: Edge[]) =>
  Object.fromEntries(layOut(names, list).nodes.map(({ name, level }) => [name, level]));

describe("layout", () => {
  test("each step is to the right of all that it depends on", () => {
    const list = edges("a>b", "b>c", "a>c", "d>c");
    expect(levelsOf(["a", "b", "c", "d"], list)).toEqual({ a: 0, b: 1, c: 2, d: 0 });
  });

  test("nodes of a column do not overlap, and the graph has room for all", () => {
    const names = ["a", "b", "c", "d", "e"];
    const { nodes, width, height } = layOut(names, edges("a>b", "a>c", "a>d", "b>e", "c>e", "d>e"));
    for (const one of nodes) {
      expect(one.x + NODE_WIDTH).toBeLessThanOrEqual(width);
      expect(one.y + NODE_HEIGHT).toBeLessThanOrEqual(height);
      expect(Math.min(one.x, one.y)).toBeGreaterThanOrEqual(0);
      for (const other of nodes) {
        if (one.name >= other.name || one.level !== other.level) continue;
        expect(Math.abs(one.y - other.y)).toBeGreaterThanOrEqual(NODE_HEIGHT);
      }
    }
  });

  test("two chains do not cross", () => {
    const { nodes } = layOut(["a", "b", "x", "y"], edges("a>y", "b>x"));
    const y = Object.fromEntries(nodes.map((node) => [node.name, node.y]));
    expect(Math.sign((y.a ?? 0) - (y.b ?? 0))).toBe(Math.sign((y.y ?? 0) - (y.x ?? 0)));
  });

  test("a line begins at the right of a node, ends at the left of another, and passes the columns between", () => {
    const { nodes, lines } = layOut(["a", "b", "c"], edges("a>b", "b>c", "a>c"));
    const long = lines.find(({ from, to }) => from === "a" && to === "c");
    const [a, , c] = nodes;
    expect(long?.points).toHaveLength(4);
    expect(long?.points[0]).toEqual([NODE_WIDTH, (a?.y ?? 0) + NODE_HEIGHT / 2]);
    expect(long?.points.at(-1)).toEqual([c?.x, (c?.y ?? 0) + NODE_HEIGHT / 2]);
    expect(long && pathOf(long)).toMatch(/^M184 .*[CL]/);
  });

  test("edges of unknown steps and cycles are left out, and every step is placed", () => {
    const { nodes, lines } = layOut(["a", "b"], edges("a>z", "a>b", "b>a"));
    expect(nodes).toHaveLength(2);
    expect(lines.length).toBeLessThanOrEqual(1);
  });

  test("no steps, one step", () => {
    expect(layOut([], []).nodes).toEqual([]);
    expect(layOut(["a"], [])).toMatchObject({ width: NODE_WIDTH, height: NODE_HEIGHT });
  });

  test.each([
    ["a chain of 1,000 steps", Array.from({ length: 999 }, (_, n) => `s${n}>s${n + 1}`)],
    [
      "10,000 edges between 1,000 steps",
      Array.from({ length: 10_000 }, (_, n) => `s${n % 900}>s${(n % 900) + 1 + ((n * 7) % 99)}`),
    ],
    ["a group of 999 steps and a callback", Array.from({ length: 999 }, (_, n) => `s${n}>s999`)],
  ])("%s are placed without freezing", (_, pairs) => {
    const names = Array.from({ length: 1000 }, (_, n) => `s${n}`);
    const startedAt = performance.now();
    const { nodes, lines } = layOut(names, edges(...pairs));
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(nodes).toHaveLength(1000);
    expect(lines).toHaveLength(pairs.length);
  });
});

describe("viewport", () => {
  const WINDOW = { width: 800, height: 400 };

  test("a small graph is in the middle, not larger than life", () => {
    expect(showAll({ width: 200, height: 100 }, WINDOW)).toEqual({ scale: 1, x: 300, y: 150 });
  });

  test("a graph too large to be read begins at its first steps", () => {
    const all = showAll({ width: 20_000, height: 100 }, WINDOW);
    expect(all.scale).toBeLessThan(0.1);
    expect(beginning({ width: 20_000, height: 100 }, WINDOW)).toMatchObject({ scale: 0.8, x: 24 });
  });

  test("zooming keeps the point under the mouse", () => {
    const view = zoom({ x: 10, y: 20, scale: 1 }, 2, { x: 110, y: 120 });
    expect(view).toEqual({ scale: 2, x: -90, y: -80 });
    expect(zoom(view, 100, { x: 0, y: 0 }).scale).toBe(2);
  });

  test("revealing moves only as far as needed", () => {
    const view = { x: 0, y: 0, scale: 1 };
    const near = { x: 100, y: 100, width: NODE_WIDTH, height: NODE_HEIGHT };
    const far = { ...near, x: 2000 };
    expect(reveal(view, near, WINDOW)).toEqual(view);
    expect(isVisible(view, far, WINDOW)).toBe(false);
    expect(isVisible(reveal(view, far, WINDOW), far, WINDOW)).toBe(true);
  });
});
