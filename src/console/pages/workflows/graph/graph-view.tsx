/** The steps of a workflow as a graph. Only the part in the window is drawn. */
import "./graph.css";
import { ActionIcon, Checkbox, Group, Text, Tooltip } from "@mantine/core";
import { useElementSize, useMergedRef } from "@mantine/hooks";
import { IconFocusCentered, IconMinus, IconPlus } from "@tabler/icons-react";
import { type KeyboardEvent, type PointerEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import type { Schemas } from "../../../../client/operations.ts";
import { lookOf } from "../../../parts/states.tsx";
import { stateWords } from "../../../words/states.ts";
import { workflowWords as words } from "../../../words/workflows.ts";
import { type Layout, layOut, NODE_HEIGHT, NODE_WIDTH, pathOf } from "./layout.ts";
import { type Box, beginning, isVisible, reveal, showAll, type View, zoom } from "./viewport.ts";

type WorkflowDetail = Schemas["WorkflowDetail"];
type Step = WorkflowDetail["steps"][number];

const STEP_PX = 60;
const ZOOM = 1.25;
/** Lines that are drawn at the same time. */
const MAX_LINES = 1500;

interface GraphViewProps {
  readonly workflow: WorkflowDetail;
  readonly selected: string | undefined;
  readonly onSelect: (name: string) => void;
}

export function GraphView({ workflow, selected, onSelect }: GraphViewProps) {
  const { steps, edges } = workflow;
  // The graph of a workflow never changes, only the states of its steps.
  const shape = JSON.stringify([workflow.id, steps.length, edges.length]);
  const layout = useMemo(
    () =>
      layOut(
        steps.map(({ name }) => name),
        edges,
      ),
    [shape],
  );
  const { ref: sizeRef, width, height } = useElementSize();
  const wheelRef = useRef<HTMLElement>(null);
  const ref = useMergedRef(sizeRef, wheelRef);
  const size = { width, height };
  const [view, setView] = useState<View | null>(null);
  const [isFollowing, setFollowing] = useState(true);
  const hintId = useId();
  const states = new Map(steps.map((step) => [step.name, step]));
  const running = steps.find(({ state }) => state === "running")?.name;
  const places = useMemo(() => new Map(layout.nodes.map((node) => [node.name, node])), [layout]);
  const shown = view ?? beginning(layout, size);

  useEffect(() => {
    const place = isFollowing && running !== undefined ? places.get(running) : undefined;
    if (!place || width === 0) return;
    const box = { ...place, width: NODE_WIDTH, height: NODE_HEIGHT };
    setView((current) => reveal(current ?? beginning(layout, { width, height }), box, { width, height }));
  }, [running, isFollowing, places, layout, width, height]);

  const move = (next: View) => {
    setFollowing(false);
    setView(next);
  };
  const middle = { x: width / 2, y: height / 2 };
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => move({ ...shown, x: shown.x + STEP_PX }),
    ArrowRight: () => move({ ...shown, x: shown.x - STEP_PX }),
    ArrowUp: () => move({ ...shown, y: shown.y + STEP_PX }),
    ArrowDown: () => move({ ...shown, y: shown.y - STEP_PX }),
    "+": () => move(zoom(shown, ZOOM, middle)),
    "-": () => move(zoom(shown, 1 / ZOOM, middle)),
    "0": () => move(showAll(layout, size)),
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  const drag = useDrag(shown, move);
  useWheel(wheelRef, (factor, at) => move(zoom(shown, factor, at)));

  return (
    <>
      <Group gap="xs" justify="flex-end">
        <Checkbox
          size="xs"
          mr="auto"
          label={words.follow}
          checked={isFollowing}
          onChange={({ currentTarget }) => setFollowing(currentTarget.checked)}
        />
        <Control label={words.zoomOut} onClick={keys["-"]} icon={IconMinus} />
        <Control label={words.zoomIn} onClick={keys["+"]} icon={IconPlus} />
        <Control label={words.fit} onClick={keys["0"]} icon={IconFocusCentered} />
      </Group>
      <section
        ref={ref}
        className="graph"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the graph moves with the keyboard
        tabIndex={0}
        aria-label={words.graph}
        aria-describedby={hintId}
        onKeyDown={onKeyDown}
        {...drag}
      >
        {width > 0 && (
          <div
            className="graph-plane"
            style={{ transform: `translate(${shown.x}px, ${shown.y}px) scale(${shown.scale})` }}
          >
            <Lines layout={layout} view={shown} size={size} states={states} />
            {layout.nodes.map((node) => {
              const step = states.get(node.name);
              const box = { x: node.x, y: node.y, width: NODE_WIDTH, height: NODE_HEIGHT };
              if (!step || !isVisible(shown, box, size)) return null;
              return (
                <Node
                  key={node.name}
                  box={box}
                  step={step}
                  isSelected={node.name === selected}
                  onSelect={onSelect}
                />
              );
            })}
          </div>
        )}
      </section>
      <Text id={hintId} size="xs" c="dimmed" visibleFrom="sm">
        {words.graphHint}
      </Text>
    </>
  );
}

function Lines({
  layout,
  view,
  size,
  states,
}: {
  readonly layout: Layout;
  readonly view: View;
  readonly size: { readonly width: number; readonly height: number };
  readonly states: ReadonlyMap<string, Step>;
}) {
  const shown = layout.lines.filter((line) => isVisible(view, boxOf(line.points), size)).slice(0, MAX_LINES);
  return (
    <svg width={layout.width} height={layout.height} aria-hidden>
      {shown.map((line) => (
        <path
          key={`${line.from}>${line.to}`}
          className="graph-line"
          data-state={lineState(states.get(line.from)?.state, states.get(line.to)?.state)}
          d={pathOf(line)}
        />
      ))}
    </svg>
  );
}

function boxOf(points: readonly (readonly [number, number])[]): Box {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

function lineState(from: Step["state"] | undefined, to: Step["state"] | undefined): string {
  if (to === "running") return "running";
  return from === "completed" && to !== "waiting" ? "completed" : "waiting";
}

function Node({
  box,
  step,
  isSelected,
  onSelect,
}: {
  readonly box: Box;
  readonly step: Step;
  readonly isSelected: boolean;
  readonly onSelect: (name: string) => void;
}) {
  const { name, state } = step;
  const [, Icon] = lookOf(state);
  const word = stateWords[state] ?? state;
  return (
    <button
      type="button"
      className="graph-node"
      data-state={state}
      aria-pressed={isSelected}
      title={name}
      style={{ left: box.x, top: box.y, width: box.width, height: box.height }}
      onClick={() => onSelect(name)}
    >
      <Icon size={16} aria-hidden />
      <span className="graph-node-text">
        <span className="graph-node-name">{name}</span>
        <span className="graph-node-state">{word}</span>
      </span>
    </button>
  );
}

function Control({
  label,
  onClick,
  icon: Icon,
}: {
  readonly label: string;
  readonly onClick: (() => void) | undefined;
  readonly icon: typeof IconPlus;
}) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="default" aria-label={label} onClick={() => onClick?.()}>
        <Icon size={16} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}

/** Moves the graph with the mouse or a finger. */
function useDrag(view: View, move: (view: View) => void) {
  const start = useRef<{ x: number; y: number; view: View; isDrag: boolean } | null>(null);
  return {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (event.button !== 0) return;
      start.current = { x: event.clientX, y: event.clientY, view, isDrag: false };
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const from = start.current;
      if (!from) return;
      const [x, y] = [event.clientX - from.x, event.clientY - from.y];
      // A click can move by a few pixels.
      if (!from.isDrag && Math.hypot(x, y) < 4) return;
      // The graph gets the rest of the gesture: no step is clicked at its end.
      if (!from.isDrag) event.currentTarget.setPointerCapture(event.pointerId);
      from.isDrag = true;
      move({ ...from.view, x: from.view.x + x, y: from.view.y + y });
    },
    onPointerUp: () => {
      start.current = null;
    },
    onPointerCancel: () => {
      start.current = null;
    },
  };
}

/** Zooms with Ctrl and the wheel, and with two fingers on a touchpad. The wheel alone scrolls the page. */
function useWheel(
  ref: { readonly current: HTMLElement | null },
  onZoom: (factor: number, at: { x: number; y: number }) => void,
): void {
  const current = useRef(onZoom);
  current.current = onZoom;
  useEffect(() => {
    const element = ref.current;
    const onWheel = (event: WheelEvent) => {
      if (!element || !event.ctrlKey) return;
      event.preventDefault();
      const { left, top } = element.getBoundingClientRect();
      current.current(Math.exp(-event.deltaY / 300), { x: event.clientX - left, y: event.clientY - top });
    };
    element?.addEventListener("wheel", onWheel, { passive: false });
    return () => element?.removeEventListener("wheel", onWheel);
  }, [ref]);
}
