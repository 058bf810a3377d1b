//! The text of Atlassian documents, as far as it is beyond doubt: of plain ones all of it, of rich
//! ones that no word is lost.

use serde_json::Value;

/// The text of a document of nothing but paragraphs of lines; `None` of any other.
pub(super) fn plain(document: &Value) -> Option<String> {
    let paragraphs = document["content"].as_array()?.iter().map(paragraph);
    Some(paragraphs.collect::<Option<Vec<String>>>()?.join("\n\n"))
}

fn paragraph(node: &Value) -> Option<String> {
    if node["type"] != "paragraph" {
        return None;
    }
    let inline =
        node["content"].as_array()?.iter().map(|inline| match inline["type"].as_str()? {
            "text" if inline["marks"].is_null() => inline["text"].as_str(),
            "hardBreak" => Some("\n"),
            _ => None,
        });
    inline.collect()
}

/// Whether the text holds every word of the document, in the document's order.
pub(super) fn holds_every_word(text: &str, document: &Value) -> bool {
    let mut rest = text;
    let mut words = Vec::new();
    words_of(document, &mut words);
    words.iter().all(|word| match rest.split_once(word.as_str()) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

fn words_of(node: &Value, words: &mut Vec<String>) {
    for text in [&node["text"], &node["attrs"]["text"]] {
        words.extend(text.as_str().into_iter().flat_map(str::split_whitespace).map(str::to_owned));
    }
    for child in node["content"].as_array().into_iter().flatten() {
        words_of(child, words);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_word_that_is_lost_or_out_of_order_is_noticed() {
        let item =
            |text: &str| json!({"type": "listItem", "content": [{"type": "text", "text": text}]});
        let list = json!({"type": "bulletList", "content": [item("one two"), item("three")]});
        let document = json!({"type": "doc", "content": [list]});
        assert_eq!(plain(&document), None);
        assert!(holds_every_word("- one two\n- three", &document));
        assert!(!holds_every_word("- one\n- three", &document));
        assert!(!holds_every_word("- three\n- one two", &document));
    }
}
