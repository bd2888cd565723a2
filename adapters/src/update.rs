//! Builds update expressions, in which the placeholders of an attribute have its name.

use crate::attribute::Item;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;

/// The clauses of an update expression, and the request with their names and values.
pub(crate) struct Update {
    request: UpdateItemFluentBuilder,
    /// The attributes that are set, each with its clause.
    sets: Vec<(String, String)>,
    adds: Vec<String>,
    removes: Vec<String>,
}

impl Update {
    /// An update without clauses.
    pub(crate) fn new(request: UpdateItemFluentBuilder) -> Self {
        Self { request, sets: Vec::new(), adds: Vec::new(), removes: Vec::new() }
    }

    /// Sets an attribute.
    pub(crate) fn set(self, name: &str, value: AttributeValue) -> Self {
        self.set_to(name, value, format!("#{name} = :{name}"))
    }

    /// Sets each of the attributes.
    pub(crate) fn set_each(self, attributes: Item) -> Self {
        attributes.into_iter().fold(self, |update, (name, value)| update.set(&name, value))
    }

    /// Sets an attribute unless the item has it.
    pub(crate) fn set_if_absent(self, name: &str, value: AttributeValue) -> Self {
        self.set_to(name, value, format!("#{name} = if_not_exists(#{name}, :{name})"))
    }

    /// Appends an entry to a list, which the item may not have yet. An update can append to one list.
    pub(crate) fn append(mut self, name: &str, entry: AttributeValue) -> Self {
        self.request = self
            .request
            .expression_attribute_names(format!("#{name}"), name)
            .expression_attribute_values(":empty", AttributeValue::L(Vec::new()))
            .expression_attribute_values(":entry", AttributeValue::L(vec![entry]));
        self.sets.push((name.to_owned(), format!("#{name} = list_append(if_not_exists(#{name}, :empty), :entry)")));
        self
    }

    fn set_to(self, name: &str, value: AttributeValue, clause: String) -> Self {
        let mut update = self.placeholder(name, value);
        update.sets.push((name.to_owned(), clause));
        update
    }

    /// Adds an element to a set.
    pub(crate) fn add(mut self, name: &str, element: &str) -> Self {
        self.adds.push(format!("#{name} :{name}"));
        self.placeholder(name, AttributeValue::Ss(vec![element.to_owned()]))
    }

    /// Removes an attribute, unless it is set before.
    pub(crate) fn remove(mut self, name: &str) -> Self {
        if self.sets.iter().all(|(set, _)| set != name) {
            self.request = self.request.expression_attribute_names(format!("#{name}"), name);
            self.removes.push(format!("#{name}"));
        }
        self
    }

    fn placeholder(mut self, name: &str, value: AttributeValue) -> Self {
        self.request = self
            .request
            .expression_attribute_names(format!("#{name}"), name)
            .expression_attribute_values(format!(":{name}"), value);
        self
    }

    /// The request with the update expression.
    pub(crate) fn build(self) -> UpdateItemFluentBuilder {
        let sets = self.sets.into_iter().map(|(_, clause)| clause).collect();
        let clauses = [("SET", sets), ("REMOVE", self.removes), ("ADD", self.adds)];
        let clauses = clauses.into_iter().filter(|(_, parts): &(_, Vec<String>)| !parts.is_empty());
        let clauses: Vec<_> = clauses.map(|(keyword, parts)| format!("{keyword} {}", parts.join(", "))).collect();
        self.request.update_expression(clauses.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::text;
    use aws_sdk_dynamodb::Client;
    use aws_sdk_dynamodb::config::{BehaviorVersion, Config};

    #[test]
    fn clauses_are_joined_with_their_placeholders() {
        let config = Config::builder().behavior_version(BehaviorVersion::latest()).build();
        let request = Update::new(Client::from_conf(config).update_item())
            .set("status", text("validated"))
            .set_if_absent("day", text("2026-01-15"))
            .append("history", text("entry"))
            .remove("upload")
            .remove("status")
            .add("versions", "v1")
            .build();
        assert_eq!(
            request.get_update_expression().as_deref(),
            Some(
                "SET #status = :status, #day = if_not_exists(#day, :day), \
                 #history = list_append(if_not_exists(#history, :empty), :entry) \
                 REMOVE #upload ADD #versions :versions"
            )
        );
        let names = request.get_expression_attribute_names().as_ref().unwrap();
        assert_eq!((names.len(), names["#upload"].as_str()), (5, "upload"));
        let values = request.get_expression_attribute_values().as_ref().unwrap();
        assert_eq!((values.len(), &values[":status"]), (5, &text("validated")));
    }
}
