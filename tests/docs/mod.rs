//! What people read: that it is true to the code, can be read at a glance, and uses one word for one thing. All but `served`
//! only read files.

mod lengths;
mod links;
mod promises;
mod repository;
mod served;
mod words;
