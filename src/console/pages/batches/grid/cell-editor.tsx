import { useEffect, useRef, useState } from "react";

export type Leaving = "down" | "right" | "left" | "stay";

interface CellEditorProps {
  readonly label: string;
  readonly initial: string;
  /** The user typed over the cell, so that all of it is replaced. */
  readonly isReplacing: boolean;
  readonly onSave: (text: string, leaving: Leaving) => void;
  readonly onCancel: () => void;
}

/** Enter saves and goes down, Tab saves and goes on, Esc keeps the old text. Alt or Shift with Enter begins a new line. */
export function CellEditor({ label, initial, isReplacing, onSave, onCancel }: CellEditorProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(initial);
  const isDone = useRef(false);
  const finish = (run: () => void) => {
    if (isDone.current) return;
    isDone.current = true;
    run();
  };
  useEffect(() => {
    field.current?.focus({ preventScroll: true });
    if (!isReplacing) field.current?.select();
    else field.current?.setSelectionRange(initial.length, initial.length);
  }, [isReplacing, initial]);
  return (
    <textarea
      ref={field}
      className="grid-editor"
      aria-label={label}
      value={text}
      rows={1}
      spellCheck={false}
      onChange={({ currentTarget }) => setText(currentTarget.value)}
      onBlur={() => finish(() => onSave(text, "stay"))}
      onPaste={(event) => event.stopPropagation()}
      onCopy={(event) => event.stopPropagation()}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.nativeEvent.isComposing) return;
        if (event.key === "Escape") {
          event.preventDefault();
          finish(onCancel);
        } else if (event.key === "Enter" && !event.altKey && !event.shiftKey) {
          event.preventDefault();
          finish(() => onSave(text, "down"));
        } else if (event.key === "Enter") {
          event.preventDefault();
          const { selectionStart, selectionEnd } = event.currentTarget;
          setText(`${text.slice(0, selectionStart)}\n${text.slice(selectionEnd)}`);
        } else if (event.key === "Tab") {
          event.preventDefault();
          finish(() => onSave(text, event.shiftKey ? "left" : "right"));
        }
      }}
    />
  );
}
