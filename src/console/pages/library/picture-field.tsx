import "@mantine/dropzone/styles.layer.css";
import { Button, Group, Input, Stack, Text } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { IconPhoto } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { libraryWords as words } from "../../words/library.ts";
import { PICTURE_TYPES } from "./pictures.ts";

interface PictureFieldProps {
  /** undefined: unchanged. null: removed. */
  readonly value: File | null | undefined;
  readonly onChange: (value: File | null) => void;
  /** The picture that the book has now. */
  readonly current: { readonly url: string; readonly alt: string } | null;
  readonly error: string | undefined;
}

export function PictureField({ value, onChange, current, error }: PictureFieldProps) {
  const choose = useRef<() => void>(null);
  const [refusal, setRefusal] = useState<string | undefined>();
  const chosenUrl = useObjectUrl(value);
  const shown = chosenUrl
    ? { url: chosenUrl, alt: words.newPicture }
    : value === undefined && current !== null
      ? current
      : null;
  return (
    <Input.Wrapper label={words.picture} error={error ?? refusal} labelElement="div">
      <Stack gap="xs">
        <Dropzone
          openRef={choose}
          accept={PICTURE_TYPES}
          multiple={false}
          p="sm"
          inputProps={{ "aria-label": words.picture }}
          onReject={() => setRefusal(words.pictureKind)}
          onDrop={([file]) => {
            setRefusal(undefined);
            if (file) onChange(file);
          }}
        >
          <Stack align="center" gap={4} mih={120} justify="center">
            {shown ? (
              <img
                src={shown.url}
                alt={shown.alt}
                style={{ maxWidth: "100%", maxHeight: 220, objectFit: "contain" }}
              />
            ) : (
              <>
                <IconPhoto size={32} stroke={1.2} aria-hidden color="var(--mantine-color-dimmed)" />
                <Text size="sm">{words.choosePicture}</Text>
                <Text size="xs" c="dimmed" ta="center">
                  {words.pictureHint}
                </Text>
              </>
            )}
          </Stack>
        </Dropzone>
        {shown && (
          <Group gap="xs">
            <Button size="compact-xs" variant="default" onClick={() => choose.current?.()}>
              {words.replacePicture}
            </Button>
            <Button size="compact-xs" variant="subtle" color="red" onClick={() => onChange(null)}>
              {words.removePicture}
            </Button>
          </Group>
        )}
      </Stack>
    </Input.Wrapper>
  );
}

/** An address of a file for as long as it is shown. */
function useObjectUrl(file: File | null | undefined): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!file) return setUrl(null);
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return url;
}
