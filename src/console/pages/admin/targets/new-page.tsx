/** Starts a target from a table, a file or JSON, and then edits the proposal. */
import { Button, SegmentedControl, Stack } from "@mantine/core";
import { useRef, useState } from "react";
import { client } from "../../../api/client.ts";
import { invalidate } from "../../../api/queries.ts";
import { showDone, showFailure } from "../../../parts/feedback.tsx";
import { Page } from "../../../parts/page.tsx";
import { useMoveOn } from "../../../parts/use-move-on.ts";
import { targetWords } from "../../../words/targets.ts";
import type { Start } from "./definition/start.ts";
import type { Tab } from "./definition/tabs.ts";
import { EditorView } from "./editor.tsx";
import { FromFile } from "./start/from-file.tsx";
import { FromJson } from "./start/from-json.tsx";
import { FromTable } from "./start/from-table.tsx";
import "./targets.css";
import { useEditor, useLeaveQuestion } from "./use-editor.ts";

const { editor: words, start: startWords, title } = targetWords;
const parent = { to: "/admin/targets", name: title };

const WAYS = ["table", "file", "json"] as const;

export function NewTargetPage() {
  const [start, setStart] = useState<Start | null>(null);
  const begin = (next: Start) => {
    setStart(next);
    scrollTo({ top: 0 });
  };
  const [way, setWay] = useState<(typeof WAYS)[number]>("table");
  if (start) return <NewTarget start={start} />;
  return (
    <Page title={startWords.title} description={startWords.description} parent={parent}>
      <Stack gap="md">
        <SegmentedControl
          w="fit-content"
          aria-label={startWords.waysLabel}
          value={way}
          data={WAYS.map((value) => ({ value, label: startWords.ways[value] }))}
          onChange={(value) => setWay(WAYS.find((known) => known === value) ?? "table")}
        />
        {way === "table" && <FromTable onStart={begin} />}
        {way === "file" && <FromFile onStart={begin} />}
        {way === "json" && <FromJson onStart={begin} />}
      </Stack>
    </Page>
  );
}

function NewTarget({ start }: { readonly start: Start }) {
  const moveOn = useMoveOn();
  const editor = useEditor({ name: start.name, definition: start.definition, isNew: true });
  const [failure, setFailure] = useState<{ readonly error: unknown; readonly of: unknown } | null>(null);
  const [tab, setTab] = useState<Tab>("target");
  const [isSaving, setSaving] = useState(false);
  const isSaved = useRef(false);
  const { name, definition } = editor;
  useLeaveQuestion(true, () => isSaved.current);
  const save = async () => {
    setSaving(true);
    try {
      const saved = await client.post("/api/v1/targets", { body: { name, ...definition } });
      isSaved.current = true;
      void invalidate("/api/v1/targets", "");
      showDone(words.saved(name, saved.version ?? 1));
      await moveOn({ to: "/admin/targets/$name/edit", params: { name } });
    } catch (error) {
      setFailure({ error, of: definition });
      showFailure(error);
    } finally {
      setSaving(false);
    }
  };
  return (
    <Page
      title={startWords.title}
      parent={parent}
      actions={
        <Button loading={isSaving} disabled={editor.jsonProblem !== undefined} onClick={() => void save()}>
          {words.save}
        </Button>
      }
    >
      <EditorView
        editor={{
          ...editor,
          setName: (next) => {
            editor.setName(next);
            setFailure(null);
          },
        }}
        isNew
        // The page that follows would lose anything typed now.
        isReadOnly={isSaving}
        saveError={failure !== null && failure.of === definition ? failure.error : null}
        notes={start.notes}
        sample={start.sample}
        tab={tab}
        onTab={setTab}
      />
    </Page>
  );
}
